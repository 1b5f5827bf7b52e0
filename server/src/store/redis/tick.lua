-- Moves the play clocks of buckets, hands out games that are overdue, and tells what a node wants to know of them.
-- In a process that did not run a bucket's last tick (it was restarted, a replica took over, the bucket moved here)
-- healing begins: play time stands still until it ends, so that nodes may complete logs that lost their tails.
--
-- KEYS  for each bucket (in a cluster only one, since each has a slot of its own) the play clock: `wall`, TIME at its
--       last tick, `play`, the play time then, `healed`, TIME when healing ends or ended (ms), and `run`, the process of
--       the last tick; what is due in the bucket; then logs whose lengths the caller wants, and the channel of its
--       probe, if that shall be sent
-- ARGV  in ms: the gap below which a tick writes nothing, the gap above which the store was away, what counts of that,
--       for how long healing lasts; then how long after its moment a game is handed out, after how long again (ms);
--       then for each bucket: how many at most, the play time that the caller knew last (empty: none), of how many logs
--       it wants the lengths, and 1 if the probe shall be sent
-- Reply lines: TIME now; then for each bucket `wall play healing has_due,ids,lengths`: the play clock, ms until healing
--       ends, 1 or 0 for whether a game is due some time, and two lists, apart by blanks, of games and of lengths. It is
--       one text since the server writes what is nested by another, slower way.
local call = redis.call
local same, outage, counted, healing = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local grace, retry = tonumber(ARGV[5]), tonumber(ARGV[6])

-- Of a number by itself text is made by a slower way.
local text = string.format

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The play clock after the tick: when it was moved last, the play time then, and when healing ends or ended.
local function move(clock, known)
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
    call('HSET', clock, 'wall', text('%d', wall), 'play', text('%d', play), 'healed', text('%d', healed), 'run', RUN)
  elseif now < healed then
    if gap < 0 or gap >= same then
      wall = now
      call('HSET', clock, 'wall', text('%d', wall))
    end
  elseif gap < 0 or gap >= same or wall < healed then
    play = play + (gap > outage and counted or math.max(now - math.max(wall, healed), 0))
    wall = now
    call('HSET', clock, 'wall', text('%d', wall), 'play', text('%d', play))
  end
  return wall, play, healed
end

local lines, key, arg = {text('%d', now)}, 1, 7
while KEYS[key] do
  local due, batch, logs = KEYS[key + 1], ARGV[arg], tonumber(ARGV[arg + 2])
  local wall, play, healed = move(KEYS[key], tonumber(ARGV[arg + 1]))
  local left = math.max(healed - now, 0)

  local overdue, earliest = {}, call('ZRANGE', due, '0', '0', 'WITHSCORES')[2]
  local moment = play + now - wall
  if left == 0 and earliest and tonumber(earliest) <= moment - grace then
    overdue = call('ZRANGEBYSCORE', due, '-inf', moment - grace, 'LIMIT', '0', batch)
    for _, id in ipairs(overdue) do
      call('ZADD', due, moment + retry, id)
    end
  end

  local line = text('%d %d %d %d,', wall, play, left, earliest and 1 or 0) .. table.concat(overdue, ' ') .. ','
  key = key + 2
  if logs > 0 then
    local lengths = {}
    for i = 1, logs do
      lengths[i] = call('LLEN', KEYS[key])
      key = key + 1
    end
    line = line .. table.concat(lengths, ' ')
  end
  if ARGV[arg + 3] == '1' then
    call('SPUBLISH', KEYS[key], '')
    key = key + 1
  end
  lines[#lines + 1], arg = line, arg + 4
end
return table.concat(lines, '\n')
