-- Stands before each script that dates something now and then; `append.lua` has it written out, for speed.
--
-- ARGV  the caller's tick of the play clock: TIME, play time, TIME after which it is too old (ms)
-- Unix time and play time (ms), or nothing if the tick is too old to tell.
local function moment()
  local time, wall = redis.call('TIME'), tonumber(ARGV[1])
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now < wall or now > tonumber(ARGV[3]) then
    return nil
  end
  return now, ARGV[2] + now - wall
end

