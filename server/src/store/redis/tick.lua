-- Moves a bucket's play clock, hands out games that are overdue, and tells what a node wants to know of the bucket.
-- In a process that did not run the last tick (it was restarted, a replica took over, the bucket moved here) healing
-- begins: play time stands still until it ends, so that nodes may complete logs that lost their tails.
--
-- KEYS  the play clock: `wall`, TIME at its last tick, `play`, the play time then, `healed`, TIME when healing ends or
--       ended (ms), and `run`, the process of the last tick; what is due in the bucket; the channel of the caller's
--       probe; then logs whose lengths it wants
-- ARGV  in ms: the gap below which a tick writes nothing, the gap above which the store was away, what counts of that,
--       for how long healing lasts; then how long after its moment a game is handed out, after how long again (ms), how
--       many at most; the play time that the caller knew last (empty: none); 1 if the probe shall be sent
-- Reply {TIME now, wall, play, ms until healing ends, 1 or 0: whether a game is due some time, {id, id, ...},
--       {length, length, ...}}
local call, clock, due = redis.call, KEYS[1], KEYS[2]
local same, outage, counted, healing = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local grace, retry, batch, known = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = call('HMGET', clock, 'wall', 'play', 'healed', 'run')
local wall, play, healed = tonumber(last[1]), tonumber(last[2]), tonumber(last[3]) or 0
local gap = wall and now - wall
if not gap or not play or last[4] ~= RUN then
  -- An empty Redis has nothing to heal, unless somebody remembers.
  if play or known then
    healed = now + healing
  end
  -- It may have been stamped up to a second after its last tick.
  local since = play and gap and play + math.max(math.min(gap, counted), 0) or 0
  wall, play = now, math.max(since, known or 0)
  if play == 0 then
    play = now
  end
  call('HSET', clock, 'wall', wall, 'play', play, 'healed', healed, 'run', RUN)
elseif now < healed then
  if gap < 0 or gap >= same then
    wall = now
    call('HSET', clock, 'wall', wall)
  end
elseif gap < 0 or gap >= same or wall < healed then
  play = play + (gap > outage and counted or math.max(now - math.max(wall, healed), 0))
  wall = now
  call('HSET', clock, 'wall', wall, 'play', play)
end
local left = math.max(healed - now, 0)

local overdue, earliest = {}, call('ZRANGE', due, '0', '0', 'WITHSCORES')[2]
local moment = play + now - wall
if left == 0 and earliest and tonumber(earliest) <= moment - grace then
  overdue = call('ZRANGEBYSCORE', due, '-inf', moment - grace, 'LIMIT', '0', batch)
  for _, id in ipairs(overdue) do
    call('ZADD', due, moment + retry, id)
  end
end

local lengths = {}
for i = 4, #KEYS do
  lengths[i - 3] = call('LLEN', KEYS[i])
end
if ARGV[9] == '1' then
  call('SPUBLISH', KEYS[3], '')
end
return {now, wall, play, left, earliest and 1 or 0, overdue, lengths}
