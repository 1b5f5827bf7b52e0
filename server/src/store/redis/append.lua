-- Appends entries after exactly the one that the caller knows as the last, publishes them, and says when somebody must
-- look at the game. Numbers stay text where they can: each way between the two costs time.
--
-- The message is a line `version tag noted`, and then the lines of the entries: the version of the first of them, the tag of
-- the entry before it, and the play time (ms) for which the game is noted as due (empty: never).
--
-- KEYS  the game's log, which is its channel too; what is due in its bucket
-- ARGV  the caller's tick of the play clock, as in `clock.lua`; of the entry known as the last the index, which is its
--       version - 1, the tag, and the moment (ms since the origin); the append's own version, its tag; the game's origin
--       in play time (ms), the moment before which nothing is committed (ms since the origin; empty: none), the origin
--       plus the ms after which the game is due (empty: never), the play time for which it is noted as due (empty: not
--       known), the bodies
-- Reply 'at followers', when it was committed and how many were told; 'at' where it had been committed before |
--       {'early', at} | {'fenced'} | {'stale', since, {line, line, ...}}

-- A game that is due later than it is noted may stay noted as it is: who is handed it too early looks, and notes it anew.
-- But not from so many ms before on, in which that may have happened; as in `schedule.lua`.
local LEAD = 10000

local call, log, argv = redis.call, KEYS[1], ARGV
local index, before, last_at, version, tag = argv[4], argv[5], tonumber(argv[6]), argv[7], argv[8]
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
    return (newer:match('(%d+) %w+$', -20))
  end
  table.remove(known, 1)
  return {'stale', index + 1, known}
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < tonumber(argv[1]) or now > tonumber(argv[2]) then
  return {'fenced'}
end
local at = now + argv[3] - argv[9]
if at < last_at then
  at = last_at
end
local not_before, due, noted = argv[10], argv[11], argv[12]
if not_before ~= '' and at < tonumber(not_before) then
  return {'early', at}
end

local moment = text('%d', at)
local stamp = ' ' .. moment .. ' ' .. tag
local lines = ''
for i = 13, #argv do
  local line = argv[i] .. stamp
  call('RPUSH', log, line)
  lines = lines .. '\n' .. line
end
if due == '' then
  noted = ''
  call('ZREM', KEYS[2], log:sub(-8))
elseif noted == '' or at + due < tonumber(noted) or at + argv[9] + LEAD > tonumber(noted) then
  noted = text('%d', at + due)
  call('ZADD', KEYS[2], noted, log:sub(-8))
end
-- A text, since the server writes what is nested by another, slower way.
return moment .. ' ' .. call('SPUBLISH', log, version .. ' ' .. before .. ' ' .. noted .. lines)
