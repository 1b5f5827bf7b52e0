-- Revokes a token, and publishes it. Each revocation leaves a mark of its own, and the message names the one before:
-- who has the same mark has the same tokens.
--
-- KEYS  the revoked tokens by their expiry (unix ms), which is their channel too; the mark
-- ARGV  the token's id, its expiry (unix ms), the new mark, how many may be revoked at a time
-- Reply 1 (it is revoked) | 0 (there are too many)
local call, revoked = redis.call, KEYS[1]
local jti, expiry, mark = ARGV[1], ARGV[2], ARGV[3]

local time = call('TIME')
call('ZREMRANGEBYSCORE', revoked, '-inf', time[1] * 1000)
if call('ZCARD', revoked) >= tonumber(ARGV[4]) and not call('ZSCORE', revoked, jti) then
  return 0
end
call('ZADD', revoked, 'GT', expiry, jti)
local before = call('GET', KEYS[2]) or '-'
call('SET', KEYS[2], mark)
call('SPUBLISH', revoked, before .. ' ' .. mark .. ' ' .. expiry .. ' ' .. jti)
return 1
