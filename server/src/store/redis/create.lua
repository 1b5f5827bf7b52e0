-- Begins a log, unless a game or a challenge has its id.
--
-- KEYS  the game's log, the challenge of the same id
-- ARGV  the body of entry 1, its tag
-- Reply 1 (it is there with this tag) | 0 (the id is taken)
local log, challenge = KEYS[1], KEYS[2]
local body, tag = ARGV[1], ARGV[2]

local first = redis.call('LINDEX', log, 0)
if first then
  return first:sub(-5) == tag and 1 or 0
end
if redis.call('EXISTS', challenge) == 1 then
  return 0
end
local time = redis.call('TIME')
local now = string.format('%.0f', math.floor(time[1] * 1000 + time[2] / 1000))
redis.call('RPUSH', log, body .. ' created:' .. now .. ' ' .. now .. ' ' .. tag)
return 1
