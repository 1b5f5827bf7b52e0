-- The log after a version; all of it if it is shorter than that; and whether it is all that there is.
--
-- KEYS  the game's log; its bucket's play clock
-- ARGV  the version; for how long healing lasts (ms)
-- Reply {since, {line, line, ...}, ms until healing ends: until then nodes may give back what this process has lost}
local log, since = KEYS[1], tonumber(ARGV[1])
if since > redis.call('LLEN', log) then
  since = 0
end

-- Where this process has not ticked yet healing has not even begun.
local clock, left = redis.call('HMGET', KEYS[2], 'healed', 'run'), tonumber(ARGV[2])
if clock[2] == RUN then
  local time = redis.call('TIME')
  left = math.max((tonumber(clock[1]) or 0) - time[1] * 1000 - math.floor(time[2] / 1000), 0)
end
return {since, redis.call('LRANGE', log, since, -1), left}
