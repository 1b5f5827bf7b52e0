-- Notes who is at a game on one node, takes out what nodes had noted that are gone, and publishes what changed by that.
--
-- A field is a seat or the spectators (`w`, `b`, `s`), a colon and the node. `w:left` and `b:left` are the play time (ms)
-- at which the last player of that color went, and how. `order` grows with each change.
--
-- KEYS  who is at the game, a hash; the game's log, which is its channel
-- ARGV  the tick, as in `clock.lua`; the node; for White and for Black `here`, or how it went; the node's spectators; for
--       how many ms it is kept if nobody looks; the order that the node knows; nodes that are gone
-- Reply {'seats', 'field value field value ...'} | {'fenced'}
local call, seats, log = redis.call, KEYS[1], KEYS[2]
local node, lifetime, known = ARGV[4], tonumber(ARGV[8]), tonumber(ARGV[9])

local now, play = moment()
if not now then
  return {'fenced'}
end
local fields, has_changed = {}, false
local stored = call('HGETALL', seats)
for i = 1, #stored, 2 do
  fields[stored[i]] = stored[i + 1]
end

local function set(field, value)
  if fields[field] == value then
    return
  end
  fields[field], has_changed = value, true
  if value then
    call('HSET', seats, field, value)
  else
    call('HDEL', seats, field)
  end
end

local function is_held(seat)
  for field in pairs(fields) do
    if field:sub(1, 2) == seat and field ~= seat .. 'left' then
      return true
    end
  end
  return false
end

for i = 10, #ARGV do
  for _, kind in ipairs({'w:', 'b:', 's:'}) do
    set(kind .. ARGV[i], nil)
  end
end
set('s:' .. node, ARGV[7] ~= '0' and ARGV[7] or nil)
for i, seat in ipairs({'w:', 'b:'}) do
  local here = ARGV[4 + i]
  local was_here = fields[seat .. node]
  set(seat .. node, here == 'here' and '1' or nil)
  if is_held(seat) then
    set(seat .. 'left', nil)
  elseif not fields[seat .. 'left'] then
    set(seat .. 'left', play .. '-' .. (was_here and here or 'lost'))
  end
end

-- What a node knows and this process does not was lost, and nobody would believe what is left.
local order = tonumber(fields.order) or 0
has_changed = has_changed or order < known
if has_changed then
  order = math.max(order, known, play - 1) + 1
  fields.order = string.format('%.0f', order)
  call('HSET', seats, 'order', fields.order)
end
local words = {}
for field, value in pairs(fields) do
  words[#words + 1] = field .. ' ' .. value
end
local text = table.concat(words, ' ')
if has_changed then
  call('PEXPIRE', seats, lifetime)
  call('SPUBLISH', log, 'seats ' .. text)
elseif call('PTTL', seats) < lifetime / 2 then
  call('PEXPIRE', seats, lifetime)
end
return {'seats', text}
