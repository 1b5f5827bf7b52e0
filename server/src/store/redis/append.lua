-- Appends entries after exactly the one that the caller knows as the last.
--
-- KEYS  the game's log, which is its channel too
-- ARGV  version and tag of the entry known as the last, the append's own tag, the game's origin in play time (ms),
--       the moment before which nothing is committed (ms since the origin; empty: none), the bodies
-- Reply {'committed', version, at} | {'early', at} | {'stale', since, {line, line, ...}}
local log = KEYS[1]
local version, before, tag = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local origin, not_before = tonumber(ARGV[4]), tonumber(ARGV[5])

local known = version > 0 and redis.call('LRANGE', log, version - 1, -1) or {}
if #known == 0 or known[1]:sub(-5) ~= before then
  return {'stale', 0, redis.call('LRANGE', log, 0, -1)}
end
if #known > 1 then
  if known[2]:sub(-5) == tag then
    return {'committed', version + #ARGV - 5, known[2]:match('(%d+) %w+$')}
  end
  table.remove(known, 1)
  return {'stale', version, known}
end

local time = redis.call('TIME')
local at = math.floor(time[1] * 1000 + time[2] / 1000) - origin
-- The moment in entry 1 is the origin itself: the zero of the scale.
local last_at = version == 1 and 0 or tonumber(known[1]:match('(%d+) %w+$'))
at = string.format('%.0f', math.max(at, last_at))
if not_before and tonumber(at) < not_before then
  return {'early', at}
end

local lines = {}
for i = 6, #ARGV do
  lines[#lines + 1] = ARGV[i] .. ' ' .. at .. ' ' .. tag
end
redis.call('RPUSH', log, unpack(lines))
redis.call('SPUBLISH', log, (version + 1) .. ' ' .. before .. '\n' .. table.concat(lines, '\n'))
return {'committed', version + #lines, at}
