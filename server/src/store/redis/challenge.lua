-- An open challenge.
--
-- KEYS  the challenge
-- Reply {} (there is none) | {when it lapses (unix ms), field, value, field, value, ...}
local challenge = KEYS[1]
local fields = redis.call('HGETALL', challenge)
if #fields == 0 then
  return {}
end
return {redis.call('PEXPIRETIME', challenge), unpack(fields)}
