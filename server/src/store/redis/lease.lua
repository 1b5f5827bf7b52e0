-- Renews a node's lease, and tells of all.
--
-- KEYS  the nodes by the play time (ms) of their last renewal
-- ARGV  the tick, as in `clock.lua`; the node; after how many ms one is forgotten; how many are remembered
-- Reply {'nodes', {node, ms since its last renewal, node, ...}}, the caller's own before this one | {'fenced'}
local call, nodes = redis.call, KEYS[1]
local now, play = moment()
if not now then
  return {'fenced'}
end
local known = call('ZRANGE', nodes, '0', '-1', 'WITHSCORES')
for i = 2, #known, 2 do
  known[i] = string.format('%.0f', math.max(play - known[i], 0))
end
call('ZADD', nodes, play, ARGV[4])
call('ZREMRANGEBYSCORE', nodes, '-inf', play - ARGV[5])
call('ZREMRANGEBYRANK', nodes, '0', -1 - ARGV[6])
return {'nodes', known}
