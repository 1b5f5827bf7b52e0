-- Completes a log that lost its tail: entries exactly as they were, after exactly the one that the caller has before
-- them. Only while the bucket heals. The message is as that of `append.lua`, without the third word: for when the game is
-- noted as due is not to be counted on, since it is handed out at once.
--
-- KEYS  the game's log, which is its channel too; what is due in its bucket; the bucket's play clock, as in `tick.lua`
-- ARGV  how many entries the log has, the tag of the last (empty: it has none), the play time at which somebody must look
--       at the game, the entries
-- Reply 'healed' | 'stale' (it has other entries) | 'refused' (nothing was lost, or healing is over)
local call, log = redis.call, KEYS[1]
local length, before = ARGV[1], ARGV[2]

local time, state = call('TIME'), call('HMGET', KEYS[3], 'healed', 'run')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if state[2] ~= RUN or now >= tonumber(state[1]) then
  return 'refused'
end
local last = call('LINDEX', log, '-1')
if call('LLEN', log) ~= tonumber(length) or (last or ''):sub(-5) ~= before then
  return 'stale'
end
local message = length + 1 .. ' ' .. before
for i = 4, #ARGV do
  call('RPUSH', log, ARGV[i])
  message = message .. '\n' .. ARGV[i]
end
call('ZADD', KEYS[2], ARGV[3], log:sub(-8))
call('SPUBLISH', log, message)
return 'healed'
