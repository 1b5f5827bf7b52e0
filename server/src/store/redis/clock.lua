-- Stands before each script that dates something now and then; `append.lua` has it written out, for speed.
--
-- ARGV  the caller's tick of the play clock: TIME then, TIME after which it is too old, play time - TIME (ms)
-- Unix time and play time (ms), or nothing if the tick is too old to tell.
local function moment()
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now < tonumber(ARGV[1]) or now > tonumber(ARGV[2]) then
    return nil
  end
  return now, now + ARGV[3]
end

