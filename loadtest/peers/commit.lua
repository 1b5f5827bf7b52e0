-- Writes what a move made of a game, if the game is still the one that was looked at, and publishes it in the same step.
-- KEYS: the game's hash, its channel. ARGV: the version that was looked at, the message (none if empty), then fields and
-- their values. Answers 1, or 0 where somebody else was first and nothing was written.
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if ARGV[2] ~= '' then
  redis.call('PUBLISH', KEYS[2], ARGV[2])
end
return 1
