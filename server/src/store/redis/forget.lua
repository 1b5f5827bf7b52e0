-- Deletes a game with all that belongs to it, if its log has exactly this length.
--
-- KEYS  the game's log, its chat, who is at it, what is due in their bucket
-- ARGV  the length
-- Reply 1 (it is deleted) | 0
local log, chat, seats, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('LLEN', log) ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('DEL', log, chat, seats)
redis.call('ZREM', due, log:sub(-8))
return 1
