-- Begins a log, unless a game or a challenge has its id.
--
-- KEYS  the game's log, the challenge of the same id, what is due in their bucket
-- ARGV  the tick, as in `clock.lua`; the body of entry 1, its tag, after how many ms the game is due
-- Reply {'created'} (it is there with this tag or body) | {'exists'} (the id is taken) | {'fenced'}
local log, challenge, due = KEYS[1], KEYS[2], KEYS[3]
local body, tag, due_in = ARGV[4], ARGV[5], ARGV[6]

local first = redis.call('LINDEX', log, 0)
if first then
  local start = body .. ' created:'
  return {(first:sub(-5) == tag or first:sub(1, #start) == start) and 'created' or 'exists'}
end
if redis.call('EXISTS', challenge) == 1 then
  return {'exists'}
end
local now, play = moment()
if not now then
  return {'fenced'}
end
redis.call('RPUSH', log, body .. ' created:' .. now .. ' ' .. play .. ' ' .. tag)
redis.call('ZADD', due, play + due_in, log:sub(-8))
return {'created'}
