-- Sets when a game is due, if it exists and its log has exactly this length. Whoever appends counts on what is noted for a
-- moment that is not near, so that is never made later: since the game was handed out somebody has noted it anew.
--
-- KEYS  the game's log, what is due in its bucket
-- ARGV  the tick, as in `clock.lua`; the length, after how many ms the game is due (empty: never)
-- Reply {'done'} | {'fenced'}

-- As in `append.lua`, in ms; longer than a game that was handed out is noted for its next time.
local LEAD = 10000

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
local noted = tonumber(redis.call('ZSCORE', due, log:sub(-8)))
if noted and noted > play + LEAD and noted < play + due_in then
  return {'done'}
end
redis.call('ZADD', due, play + due_in, log:sub(-8))
return {'done'}
