-- Takes a seat of a challenge; with the second one the challenge becomes a game.
--
-- KEYS  the challenge, the log of the game of the same id, what is due in their bucket
-- ARGV  the tick, as in `clock.lua`; the player as id:name, the seat wished for, 1 if the other one will do, the tag of
--       entry 1, after how many ms the game is due, who takes the other seat if it is free (empty: nobody)
-- Reply {'waiting', color} | {'begun', color} | {'taken'} | {'not-found'} | {'fenced'}
local challenge, log, due = KEYS[1], KEYS[2], KEYS[3]
local player, color, or_other, tag, due_in = ARGV[4], ARGV[5], ARGV[6] == '1', ARGV[7], ARGV[8]
local opponent = ARGV[9]
local user = player:match('^[^:]*')
local other = color == 'white' and 'black' or 'white'

-- What the user gets who sits there already: the answer to the same wish sent again.
local function held(seats, state)
  for _, seat in ipairs({color, other}) do
    if seats[seat] and seats[seat]:match('^[^:]*') == user then
      if seat == color or or_other then
        return {state, seat}
      end
      return {'taken'}
    end
  end
  return nil
end

local first = redis.call('LINDEX', log, 0)
if first then
  local seats = {white = first:match(' white:(%S+)'), black = first:match(' black:(%S+)')}
  return held(seats, 'begun') or {'not-found'}
end
local found = redis.call('HMGET', challenge, 'terms', 'white', 'black')
local terms, seats = found[1], {white = found[2], black = found[3]}
if not terms then
  return {'not-found'}
end
local answer = held(seats, 'waiting')
if answer then
  return answer
end
local seat = not seats[color] and color or or_other and not seats[other] and other
if not seat then
  return {'taken'}
end

seats[seat] = player
local empty = seat == 'white' and 'black' or 'white'
if opponent ~= '' and not seats[empty] then
  seats[empty] = opponent
end
if not (seats.white and seats.black) then
  redis.call('HSET', challenge, seat, player)
  return {'waiting', seat}
end
local now, play = moment()
if not now then
  return {'fenced'}
end
redis.call('RPUSH', log, terms .. ' white:' .. seats.white .. ' black:' .. seats.black
  .. ' created:' .. now .. ' ' .. play .. ' ' .. tag)
redis.call('ZADD', due, play + due_in, log:sub(-8))
redis.call('DEL', challenge)
return {'begun', seat}
