-- Notes a running game under one of its players, or that it runs no longer.
--
-- KEYS  what the user plays, a hash
-- ARGV  the game, how many are noted at most, the note (missing: it runs no longer)
-- Reply 1
local playing, game, note = KEYS[1], ARGV[1], ARGV[3]
if not note then
  redis.call('HDEL', playing, game)
elseif redis.call('HEXISTS', playing, game) == 1 or redis.call('HLEN', playing) < tonumber(ARGV[2]) then
  redis.call('HSET', playing, game, note)
end
return 1
