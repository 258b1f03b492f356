-- Ends holds, each only if it is still ours.
-- KEYS: the queues. ARGV: ms that results are kept, how many keys to touch, these keys, then six for
-- each entry: queue, id, token, and
--   'done' result (or '') other id for the result (or '')
--   'at'   score          ''     put back where it was
--   'in'   ms             ''     put back for later
-- What is put back was no crash, so its taking does not count. Who waits for work sees the touch.
-- Answers how many holds were lost.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local lost, first = 0, 3 + ARGV[2]

for i = 3, first - 1 do
  redis.call('SET', ARGV[i], string.format('%.3f', now), 'PX', ARGV[1])
end

local any_aborted = redis.call('EXISTS', 'arq:abort') == 1

local function settle(queue, id, result, other)
  if result ~= '' then
    redis.call('SET', 'arq:result:' .. id, result, 'PX', ARGV[1])
    if other ~= '' then redis.call('SET', 'arq:result:' .. other, result, 'PX', ARGV[1]) end
  end
  redis.call('DEL', 'arq:in-progress:' .. id, 'arq:job:' .. id, 'arq:retry:' .. id)
  redis.call('ZREM', queue, id)
  if any_aborted then redis.call('ZREM', 'arq:abort', id) end
end

local function put_back(queue, id, score)
  redis.call('DEL', 'arq:in-progress:' .. id)
  redis.call('ZADD', queue, 'XX', score, id)
  redis.pcall('DECR', 'arq:retry:' .. id)
end

for i = first, #ARGV, 6 do
  local queue, id, what, value = KEYS[ARGV[i] + 1], ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
  if redis.call('GET', 'arq:in-progress:' .. id) ~= ARGV[i + 2] then
    lost = lost + 1
  elseif what == 'done' then
    settle(queue, id, value, ARGV[i + 5])
  elseif what == 'at' then
    put_back(queue, id, value)
  else
    put_back(queue, id, string.format('%.3f', now + value))
  end
end
return lost
