-- Moves a bucket's play clock, and hands out games that are overdue.
--
-- KEYS  the play clock: `wall`, TIME at its last tick, and `play`, the play time then (ms); what is due in the bucket
-- ARGV  in ms: the gap below which a tick writes nothing, the gap above which the store was away, what counts of that;
--       then how long after its moment a game is handed out, after how long again, and how many at most
-- Reply {TIME now, wall, play, 1 or 0: whether a game is due some time, {id, id, ...}}
local call, clock, due = redis.call, KEYS[1], KEYS[2]
local same, outage, counted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local grace, retry, batch = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = call('HMGET', clock, 'wall', 'play')
local wall, play = tonumber(last[1]), tonumber(last[2])
local gap = wall and play and now - wall
if not gap then
  wall, play = now, now
  call('HSET', clock, 'wall', wall, 'play', play)
elseif gap < 0 or gap >= same then
  wall, play = now, play + (gap > outage and counted or math.max(gap, 0))
  call('HSET', clock, 'wall', wall, 'play', play)
end

local overdue, earliest = {}, call('ZRANGE', due, '0', '0', 'WITHSCORES')[2]
local moment = play + now - wall
if earliest and tonumber(earliest) <= moment - grace then
  overdue = call('ZRANGEBYSCORE', due, '-inf', moment - grace, 'LIMIT', '0', batch)
  for _, id in ipairs(overdue) do
    call('ZADD', due, moment + retry, id)
  end
end
return {now, wall, play, earliest and 1 or 0, overdue}
