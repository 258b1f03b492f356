-- Takes what is due: each entry's score becomes the end of its hold, so that it leaves the ready
-- range and comes back by itself. Arq's in-progress key holds the token of this taking.
-- KEYS: the queue. ARGV: token, hold in ms, most jobs, most bytes.
-- Answers: 1 if more is ready, ms until the next entry is due (or -1),
-- and {id, payload, how often taken, score} of each entry taken.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local ready = string.format('%.3f', now)
local back = string.format('%.3f', now + ARGV[2])
local most_jobs, room = tonumber(ARGV[3]), tonumber(ARGV[4])
local taken, skipped, more = {}, 0, 0

local function payload_of(id)
  local payload = redis.pcall('GET', 'arq:job:' .. id)
  return type(payload) == 'string' and payload
end

local function deliveries_of(id)
  local count = redis.pcall('INCR', 'arq:retry:' .. id)
  redis.call('EXPIRE', 'arq:retry:' .. id, 88400)
  return type(count) == 'number' and count or 1
end

local function take(id, score)
  local held = 'arq:in-progress:' .. id
  if redis.call('EXISTS', held) == 1 then
    skipped = skipped + 1
    return
  end
  local payload = payload_of(id)
  room = room - (payload and #payload or 0)
  if room < 0 and #taken > 0 then
    more = 1
    return
  end
  redis.call('SET', held, ARGV[1], 'PX', ARGV[2])
  redis.call('ZADD', KEYS[1], 'XX', back, id)
  taken[#taken + 1] = { id, payload, deliveries_of(id), score }
end

while #taken < most_jobs and more == 0 do
  local page = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ready, 'WITHSCORES',
    'LIMIT', skipped, most_jobs - #taken)
  if #page == 0 then break end
  for i = 1, #page, 2 do
    if more == 0 then take(page[i], page[i + 1]) end
  end
end
if #taken == most_jobs then more = 1 end

local due = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ready, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local wait = due[2] and math.ceil(due[2] - now) or -1
return { more, wait, taken }
