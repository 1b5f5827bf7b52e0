-- Appends entries after exactly the one that the caller knows as the last, publishes them, and says when somebody must
-- look at the game.
--
-- KEYS  the game's log, which is its channel too; what is due in its bucket
-- ARGV  the caller's tick of the play clock (TIME, play time, TIME after which it is too old; ms), version and tag of
--       the entry known as the last, the append's own tag, the game's origin in play time (ms), the moment before which
--       nothing is committed (ms since the origin; empty: none), after how many ms the game is due (empty: never), the
--       bodies
-- Reply {'committed', version, at} | {'early', at} | {'fenced'} | {'stale', since, {line, line, ...}}
local call, log = redis.call, KEYS[1]
local wall, version, before, tag, origin = tonumber(ARGV[1]), tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7])
local last = #ARGV
local bodies = last - 9
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
if now < wall or now > tonumber(ARGV[3]) then
  return {'fenced'}
end
local at = ARGV[2] + now - wall - origin
-- The moment in entry 1 is the origin itself: the zero of the scale.
local last_at = version > 1 and tonumber(known[1]:match(MOMENT, -20)) or 0
if at < last_at then
  at = last_at
end
local not_before = tonumber(ARGV[8])
if not_before and at < not_before then
  return {'early', at}
end

local stamp = ' ' .. at .. ' ' .. tag
local message = version + 1 .. ' ' .. before
for i = 10, last do
  local line = ARGV[i] .. stamp
  call('RPUSH', log, line)
  message = message .. '\n' .. line
end
local id, due_in = log:sub(-8), ARGV[9]
if due_in == '' then
  call('ZREM', KEYS[2], id)
else
  call('ZADD', KEYS[2], origin + at + due_in, id)
end
call('SPUBLISH', log, message)
return {'committed', version + bodies, at}
