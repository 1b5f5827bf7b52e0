-- Appends entries after exactly the one that the caller knows as the last, publishes them, and says when somebody must
-- look at the game. Numbers stay text where they can: each way between the two costs time.
--
-- KEYS  the game's log, which is its channel too; what is due in its bucket
-- ARGV  the caller's tick of the play clock, as in `clock.lua`; the index of the entry known as the last, which is its
--       version - 1, its tag, the append's own tag, the game's origin in play time (ms), the moment before which nothing
--       is committed (ms since the origin; empty: none), the origin plus the ms after which the game is due (empty:
--       never), the bodies
-- Reply {'committed', version, at, how many followers were told (missing: it had been committed before)} |
--       {'early', at} | {'fenced'} | {'stale', since, {line, line, ...}}
local call, log, argv = redis.call, KEYS[1], ARGV
local index, before, tag = argv[4], argv[5], argv[6]
local last = #argv
-- The word before the tag, looked for in the last 20 characters: enough for both until 2286.
local MOMENT = '(%d+) %w+$'

local known = call('LRANGE', log, index, '-1')
local head, newer = known[1], known[2]
if not head or head:sub(-5) ~= before then
  return {'stale', 0, call('LRANGE', log, '0', '-1')}
end
if newer then
  if newer:sub(-5) == tag then
    return {'committed', index + last - 8, tonumber(newer:match(MOMENT, -20))}
  end
  table.remove(known, 1)
  return {'stale', index + 1, known}
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < tonumber(argv[1]) or now > tonumber(argv[2]) then
  return {'fenced'}
end
local at = now + argv[3] - argv[7]
-- The moment in entry 1 is the origin itself: the zero of the scale.
local last_at = index ~= '0' and tonumber(head:match(MOMENT, -20)) or 0
if at < last_at then
  at = last_at
end
local not_before, due = argv[8], argv[9]
if not_before ~= '' and at < tonumber(not_before) then
  return {'early', at}
end

local stamp = ' ' .. at .. ' ' .. tag
local message = index + 2 .. ' ' .. before
for i = 10, last do
  local line = argv[i] .. stamp
  call('RPUSH', log, line)
  message = message .. '\n' .. line
end
if due == '' then
  call('ZREM', KEYS[2], log:sub(-8))
else
  call('ZADD', KEYS[2], at + due, log:sub(-8))
end
return {'committed', index + last - 8, at, call('SPUBLISH', log, message)}
