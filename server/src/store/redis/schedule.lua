-- Sets when a game is due, if it exists and its log has exactly this length.
--
-- KEYS  the game's log, what is due in its bucket
-- ARGV  the tick, as in `clock.lua`; the length, after how many ms the game is due (empty: never)
-- Reply {'done'} | {'fenced'}
local log, due = KEYS[1], KEYS[2]
local length, due_in = tonumber(ARGV[4]), ARGV[5]

if redis.call('LLEN', log) ~= length then
  return {'done'}
end
if due_in == '' then
  redis.call('ZREM', due, log:sub(-8))
  return {'done'}
end
if length == 0 then
  return {'done'}
end
local now, play = moment()
if not now then
  return {'fenced'}
end
redis.call('ZADD', due, play + due_in, log:sub(-8))
return {'done'}
