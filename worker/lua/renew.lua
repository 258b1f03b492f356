-- Moves the end of holds that are still ours.
-- KEYS: the queues. ARGV: hold in ms, then three for each entry: queue, id, token.
-- Answers the ids whose holds were lost.
local time = redis.call('TIME')
local back = string.format('%.3f', time[1] * 1000 + time[2] / 1000 + ARGV[1])
local lost = {}
for i = 2, #ARGV, 3 do
  local id = ARGV[i + 1]
  local held = 'arq:in-progress:' .. id
  if redis.call('GET', held) == ARGV[i + 2] then
    redis.call('PEXPIRE', held, ARGV[1])
    redis.call('ZADD', KEYS[ARGV[i] + 1], 'XX', back, id)
    redis.call('ZADD', 'taskrail:held:' .. KEYS[ARGV[i] + 1], 'XX', back, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
