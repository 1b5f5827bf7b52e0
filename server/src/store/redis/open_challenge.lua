-- Opens a challenge, unless a game or other terms have its id.
--
-- KEYS  the challenge, the log of the game of the same id
-- ARGV  when it lapses (unix ms), the terms, then field and value of each seat that is taken
-- Reply 1 (it is open with these terms) | 0 (the id is taken)
local challenge, log = KEYS[1], KEYS[2]
local expires, terms = ARGV[1], ARGV[2]

if redis.call('EXISTS', log) == 1 then
  return 0
end
local open = redis.call('HGET', challenge, 'terms')
if open then
  if open ~= terms then
    return 0
  end
  redis.call('PEXPIREAT', challenge, expires, 'GT')
  return 1
end
redis.call('HSET', challenge, 'terms', terms, unpack(ARGV, 3))
redis.call('PEXPIREAT', challenge, expires)
return 1
