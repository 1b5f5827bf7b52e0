-- Says a line at a game, and publishes it. The lines of all rooms lie in one list, in the order in which they were
-- said. Each is: room, number in its room, author, key, text. A room's last line stays, so that its numbers go on.
--
-- KEYS  the game's chat, its log, which is its channel
-- ARGV  the room, the author, the author's mark for this line (empty: none), the text, how many lines of a room are
--       kept, for how many ms the chat of a game is kept that is not there
-- Reply the line's number
local call, chat, log = redis.call, KEYS[1], KEYS[2]
local room, author, key, text = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local number, count, oldest = 0, 0, nil
for _, line in ipairs(call('LRANGE', chat, 0, -1)) do
  local line_room, line_number, line_author, line_key = line:match('^(%S*) (%d+) (%S*) (%S*) ')
  if line_room == room then
    number, count, oldest = tonumber(line_number), count + 1, oldest or line
    if key ~= '' and line_author == author and line_key == key then
      return number
    end
  end
end

number = number + 1
local line = room .. ' ' .. number .. ' ' .. author .. ' ' .. key .. ' ' .. text
if count >= tonumber(ARGV[5]) then
  call('LREM', chat, 1, oldest)
end
call('RPUSH', chat, line)
-- Whoever forgets a game deletes its chat; what is said after that must not stay for ever.
if call('EXISTS', log) == 0 then
  call('PEXPIRE', chat, ARGV[6])
end
call('SPUBLISH', log, 'chat ' .. line)
return number
