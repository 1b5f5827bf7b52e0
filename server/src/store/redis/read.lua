-- The log after a version; all of it if it is shorter than that.
--
-- KEYS  the game's log
-- ARGV  the version
-- Reply {since, {line, line, ...}}
local log, since = KEYS[1], tonumber(ARGV[1])
if since > redis.call('LLEN', log) then
  since = 0
end
return {since, redis.call('LRANGE', log, since, -1)}
