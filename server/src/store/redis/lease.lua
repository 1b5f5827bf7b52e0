-- Renews a node's lease, and tells of all.
--
-- KEYS  the nodes by the play time (ms) of their last renewal; what they tell of themselves, a hash
-- ARGV  the tick, as in `clock.lua`; the node; after how many ms one is forgotten; how many are remembered; what the node
--       tells of itself
-- Reply {'nodes', {node, ms since its last renewal, what it told of itself, node, ...}}, the caller's own before this one |
--       {'fenced'}
local call, nodes, about = redis.call, KEYS[1], KEYS[2]
local now, play = moment()
if not now then
  return {'fenced'}
end
local known, told = {}, call('HGETALL', about)
for i = 1, #told, 2 do
  known[told[i]] = told[i + 1]
end
local reply = {}
local leases = call('ZRANGE', nodes, '0', '-1', 'WITHSCORES')
for i = 1, #leases, 2 do
  local node, age = leases[i], math.max(play - leases[i + 1], 0)
  table.insert(reply, node)
  table.insert(reply, string.format('%.0f', age))
  table.insert(reply, known[node] or '')
  known[node] = nil
end
for node in pairs(known) do
  call('HDEL', about, node)
end
call('ZADD', nodes, play, ARGV[4])
call('HSET', about, ARGV[4], ARGV[7])
call('ZREMRANGEBYSCORE', nodes, '-inf', play - ARGV[5])
call('ZREMRANGEBYRANK', nodes, '0', -1 - ARGV[6])
return {'nodes', reply}
