-- Appends entries after exactly the one that the caller knows as the last, publishes them, and says when somebody must
-- look at the game. Lua looks for each text that it is handed or makes among all that it has, and that misses the caches: so
-- numbers come packed, and the first line of the message comes whole.
--
-- The message is a line `version tag noted`, and then the lines of the entries: the version of the first of them, the tag of
-- the entry before it, and the play time (ms) for which the game is noted as due (empty: never).
--
-- KEYS  the game's log, which is its channel too; what is due in its bucket
-- ARGV  signed 64-bit numbers, little-endian: the caller's tick of the play clock, as in `clock.lua`; the moment (ms since
--       the origin) of the entry known as the last; the game's origin in play time (ms), the moment before which nothing
--       is committed (ms since the origin; -1: none), the origin plus the ms after which the game is due (-1: never), the
--       play time for which it is noted as due (-1: not known);
--       then of the entry known as the last the index, which is its version - 1, and the tag; the append's own tag; the
--       message's first line, if what is noted may stay; the bodies
-- Reply when it was committed, or had been (ms since the origin), -1 minus that if nobody was told |
--       {'early', at} | {'fenced'} | {'stale', since, {line, line, ...}}

-- A game that is due later than it is noted may stay noted as it is: who is handed it too early looks, and notes it anew.
-- But not from so many ms before on, in which that may have happened; as in `schedule.lua`.
local LEAD = 10000

local call, log, argv = redis.call, KEYS[1], ARGV
local index, before, tag, message = argv[2], argv[3], argv[4], argv[5]
-- Of a number by itself text is made by a slower way.
local text = string.format

local known = call('LRANGE', log, index, '-1')
local head, newer = known[1], known[2]
if not head or head:sub(-5) ~= before then
  return {'stale', 0, call('LRANGE', log, '0', '-1')}
end
if newer then
  if newer:sub(-5) == tag then
    -- The word before the tag: the last 20 characters are enough for both until 2286.
    return tonumber((newer:match('(%d+) %w+$', -20)))
  end
  table.remove(known, 1)
  return {'stale', index + 1, known}
end

local earliest, latest, shift, last_at, origin, not_before, due, noted = struct.unpack('<i8i8i8i8i8i8i8i8', argv[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < earliest or now > latest then
  return {'fenced'}
end
local at = now + shift - origin
if at < last_at then
  at = last_at
end
if not_before >= 0 and at < not_before then
  return {'early', at}
end

local noted_anew
if due < 0 then
  noted_anew = ''
elseif noted < 0 or at + due < noted or at + origin + LEAD > noted then
  noted_anew = text('%d', at + due)
end
if noted_anew then
  message = message:match('^%d+ %w+ ') .. noted_anew
end
local moment = text('%d', at)
for i = 6, #argv do
  local line = argv[i] .. ' ' .. moment .. ' ' .. tag
  call('RPUSH', log, line)
  message = message .. '\n' .. line
end
if noted_anew == '' then
  call('ZREM', KEYS[2], log:sub(-8))
elseif noted_anew then
  call('ZADD', KEYS[2], noted_anew, log:sub(-8))
end
return call('SPUBLISH', log, message) > 0 and at or -1 - at
