-- Ends holds, each only if it is still ours.
-- KEYS: the queue. ARGV: token, ms that results are kept, then four for each entry:
--   id 'done' result (or '') other id for the result (or '')
--   id 'at'   score          ''     put back where it was
--   id 'in'   ms             ''     put back for later
-- What is put back was no crash, so its taking does not count.
-- Answers how many holds were lost.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local lost = 0

local function settle(id, result, other)
  if result ~= '' then
    redis.call('SET', 'arq:result:' .. id, result, 'PX', ARGV[2])
    if other ~= '' then redis.call('SET', 'arq:result:' .. other, result, 'PX', ARGV[2]) end
  end
  redis.call('DEL', 'arq:job:' .. id, 'arq:retry:' .. id)
  redis.call('ZREM', KEYS[1], id)
end

local function put_back(id, score)
  redis.call('ZADD', KEYS[1], 'XX', score, id)
  redis.pcall('DECR', 'arq:retry:' .. id)
end

for i = 3, #ARGV, 4 do
  local id, what, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local held = 'arq:in-progress:' .. id
  if redis.call('GET', held) ~= ARGV[1] then
    lost = lost + 1
  else
    redis.call('DEL', held)
    if what == 'done' then
      settle(id, value, ARGV[i + 3])
    elseif what == 'at' then
      put_back(id, value)
    else
      put_back(id, string.format('%.3f', now + value))
    end
  end
end
return lost
