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
local lost, first, keep_ms = 0, 3 + ARGV[2], ARGV[1]
local CHUNK = 1000 -- arguments of one command: Lua's stack holds 8,000
local gone, done, ended = {}, {}, {}
for queue = 1, #KEYS do
  done[queue], ended[queue] = {}, {}
end

local function in_chunks(command, key, arguments)
  for i = 1, #arguments, CHUNK do
    local last = math.min(i + CHUNK - 1, #arguments)
    if key then
      redis.call(command, key, unpack(arguments, i, last))
    else
      redis.call(command, unpack(arguments, i, last))
    end
  end
end

local function settle(queue, id, result, other)
  if result ~= '' then
    redis.call('SET', 'arq:result:' .. id, result, 'PX', keep_ms)
    if other ~= '' then redis.call('SET', 'arq:result:' .. other, result, 'PX', keep_ms) end
  end
  gone[#gone + 1], gone[#gone + 2] = 'arq:job:' .. id, 'arq:retry:' .. id
  done[queue][#done[queue] + 1] = id
end

local function put_back(queue, id, score)
  redis.call('ZADD', KEYS[queue], 'XX', score, id)
  redis.pcall('DECR', 'arq:retry:' .. id)
end

local function end_hold(queue, id, what, value, other)
  gone[#gone + 1] = 'arq:in-progress:' .. id
  ended[queue][#ended[queue] + 1] = id
  if what == 'done' then
    settle(queue, id, value, other)
  elseif what == 'at' then
    put_back(queue, id, value)
  else
    put_back(queue, id, string.format('%.3f', now + value))
  end
end

for i = 3, first - 1 do
  redis.call('SET', ARGV[i], string.format('%.3f', now), 'PX', keep_ms)
end
for i = first, #ARGV, 6 do
  local id = ARGV[i + 1]
  if redis.call('GET', 'arq:in-progress:' .. id) == ARGV[i + 2] then
    end_hold(ARGV[i] + 1, id, ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
  else
    lost = lost + 1
  end
end
in_chunks('DEL', nil, gone)
for queue = 1, #KEYS do
  in_chunks('ZREM', KEYS[queue], done[queue])
  in_chunks('ZREM', 'taskrail:held:' .. KEYS[queue], ended[queue])
  in_chunks('ZREM', 'arq:abort', done[queue])
end
return lost
