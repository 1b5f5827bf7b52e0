-- Takes one of what somebody may do: so many at once, and one more after every period (the generic cell rate algorithm).
-- One number is kept, the moment (unix ms) at which all of it is there again, and not for longer than until then.
--
-- KEYS  that number
-- ARGV  how many at once, the period (ms)
-- Reply 0 (one is taken) | after how many ms there is one
local call, key = redis.call, KEYS[1]
local period = tonumber(ARGV[2])

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most = now + ARGV[1] * period
local full = tonumber(call('GET', key) or now)
-- Later than that only where the clock was set back: then nobody has to wait until it has come round again.
if full < now or full > most then
  full = now
end
local after = full + period
if after > most then
  return after - most
end
call('SET', key, string.format('%d', after), 'PX', after - now)
return 0
