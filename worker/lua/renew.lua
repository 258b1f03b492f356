-- Moves the end of holds that are still ours.
-- KEYS: the queue. ARGV: token, hold in ms, then the ids. Answers how many holds were lost.
local time = redis.call('TIME')
local back = string.format('%.3f', time[1] * 1000 + time[2] / 1000 + ARGV[2])
local lost = 0
for i = 3, #ARGV do
  local held = 'arq:in-progress:' .. ARGV[i]
  if redis.call('GET', held) == ARGV[1] then
    redis.call('PEXPIRE', held, ARGV[2])
    redis.call('ZADD', KEYS[1], 'XX', back, ARGV[i])
  else
    lost = lost + 1
  end
end
return lost
