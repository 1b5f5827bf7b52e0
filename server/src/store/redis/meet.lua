-- Takes out of a pool who waits for longest and may play the caller; else the caller waits, at its old place if it did
-- so already.
--
-- KEYS  the pool, a sorted set by the time since when one waits; each is: game, player as id:name, color (empty: any)
-- ARGV  the caller in that shape, its user, its color, how many wait at most, for how many ms the pool lasts
-- Reply whoever was taken out, or nothing
local call, pool = redis.call, KEYS[1]
local seeker, user, wish = ARGV[1], ARGV[2], ARGV[3]

for _, other in ipairs(call('ZRANGE', pool, 0, -1)) do
  local other_user, color = other:match('^%S+ ([^: ]*)%S* (%S*)$')
  if other_user ~= user and (color == '' or color ~= wish) then
    call('ZREM', pool, other, seeker)
    return other
  end
end
local time = call('TIME')
if call('ZADD', pool, 'NX', time[1] * 1000 + math.floor(time[2] / 1000), seeker) == 1
  and call('ZCARD', pool) > tonumber(ARGV[4]) then
  call('ZREMRANGEBYRANK', pool, 0, 0)
end
call('PEXPIRE', pool, ARGV[5])
return false
