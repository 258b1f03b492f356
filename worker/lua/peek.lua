-- KEYS: the queues. Takes nothing.
-- Answers how many entries are due in any of them, and ms until the next one is (or -1).
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local ready = string.format('%.3f', now)
local due, wait = 0, -1
for queue = 1, #KEYS do
  due = due + redis.call('ZCOUNT', KEYS[queue], '-inf', ready)
  local next_due = redis.call('ZRANGEBYSCORE', KEYS[queue], '(' .. ready, '+inf', 'WITHSCORES',
    'LIMIT', 0, 1)
  if next_due[2] then
    local ms = math.ceil(next_due[2] - now)
    if wait < 0 or ms < wait then wait = ms end
  end
end
return { due, wait }
