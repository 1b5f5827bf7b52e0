-- Appends entries after exactly the one that the caller knows as the last, and publishes them.
--
-- KEYS  the game's log, which is its channel too
-- ARGV  version and tag of the entry known as the last, the append's own tag, the game's origin in play time (ms),
--       the moment before which nothing is committed (ms since the origin; empty: none), the bodies
-- Reply {'committed', version, at} | {'early', at} | {'stale', since, {line, line, ...}}
local call, log = redis.call, KEYS[1]
local version, before, tag = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local origin, not_before = tonumber(ARGV[4]), tonumber(ARGV[5])
local bodies = #ARGV - 5
-- The word before the tag, looked for in the last 20 characters: enough for both until 2286.
local MOMENT = '(%d+) %w+$'

local known = version > 0 and call('LRANGE', log, version - 1, -1) or {}
if #known == 0 or known[1]:sub(-5) ~= before then
  return {'stale', 0, call('LRANGE', log, 0, -1)}
end
if #known > 1 then
  if known[2]:sub(-5) == tag then
    return {'committed', version + bodies, tonumber(known[2]:match(MOMENT, -20))}
  end
  table.remove(known, 1)
  return {'stale', version, known}
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The moment in entry 1 is the origin itself: the zero of the scale.
local last_at = version > 1 and tonumber(known[1]:match(MOMENT, -20)) or 0
local at = math.max(now - origin, last_at)
if not_before and at < not_before then
  return {'early', at}
end

local stamp = ' ' .. at .. ' ' .. tag
local message = version + 1 .. ' ' .. before
for i = 6, #ARGV do
  local line = ARGV[i] .. stamp
  call('RPUSH', log, line)
  message = message .. '\n' .. line
end
call('SPUBLISH', log, message)
return {'committed', version + bodies, at}
