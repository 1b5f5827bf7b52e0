-- Sees to it that a challenge becomes no game any more.
--
-- KEYS  the challenge, the log of the game of the same id
-- Reply 1 (it is closed) | 0 (it is a game)
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
