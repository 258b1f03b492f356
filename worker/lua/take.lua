-- Takes what is due: each entry's score becomes the end of its hold, so that it leaves the ready
-- range and comes back by itself. Arq's in-progress key holds the token of this taking. What comes
-- back was a dead worker's: others wait for it, so it goes before the backlog. taskrail:held:<queue>
-- has the ends of all holds, so that it is found there.
-- KEYS: the queues. ARGV: token, hold in ms, most jobs, most bytes, then the share of each queue.
-- Each queue gives its share of the jobs and of the bytes, but one entry at least: none starves
-- behind large payloads. What one leaves free, the others may use, the first first.
-- Answers: 1 if more is ready, and of each that was taken
-- {queue, id, payload, how often taken, score, 1 if its producer wants it aborted}.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local ready = string.format('%.3f', now)
local back = string.format('%.3f', now + ARGV[2])
local most_jobs, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local taken, room, more, shares = {}, most_bytes, 0, 0
for queue = 1, #KEYS do shares = shares + ARGV[4 + queue] end
local any_aborted = redis.call('EXISTS', 'arq:abort') == 1
local PAGE = 64 -- payloads read at once: not more than fit into memory

-- Whatever others have written there: a number from 1 on.
local function deliveries_of(id)
  if redis.call('SET', 'arq:retry:' .. id, 1, 'NX', 'EX', 88400) then return 1 end
  local count = redis.pcall('INCR', 'arq:retry:' .. id)
  return type(count) == 'number' and math.min(math.max(count, 1), 1000) or 1
end

local function is_aborted(id)
  return any_aborted and redis.call('ZSCORE', 'arq:abort', id) and 1 or 0
end

local function held_of(queue)
  return 'taskrail:held:' .. KEYS[queue]
end

local function payloads_of(page)
  local keys = {}
  for i = 1, #page, 2 do keys[#keys + 1] = 'arq:job:' .. page[i] end
  return redis.call('MGET', unpack(keys))
end

-- What may be taken of a queue now. At least one entry, though it is too large, if `least` says so.
local function part_of(queue, jobs, bytes, least)
  return { queue = queue, jobs = jobs, bytes = bytes, least = least, taken = 0, is_full = false }
end

local function is_too_large(size, part)
  return size > part.bytes and part.taken >= part.least
end

-- Takes from one page; answers how many are held by others.
local function take_page(part, page)
  local queue, payloads, moved, held = part.queue, payloads_of(page), {}, 0
  for i = 1, #page, 2 do
    local id, payload = page[i], payloads[(i + 1) / 2]
    local size = payload and #payload or 0
    if is_too_large(size, part) then
      part.is_full = true
      break
    end
    if redis.call('SET', 'arq:in-progress:' .. id, ARGV[1], 'NX', 'PX', ARGV[2]) then
      room, part.bytes, part.taken = room - size, part.bytes - size, part.taken + 1
      moved[#moved + 1], moved[#moved + 2] = back, id
      taken[#taken + 1] = { queue - 1, id, payload, deliveries_of(id), page[i + 1], is_aborted(id) }
    else
      held = held + 1
    end
  end
  if #moved > 0 then
    redis.call('ZADD', KEYS[queue], 'XX', unpack(moved))
    redis.call('ZADD', held_of(queue), unpack(moved))
  end
  return held
end

-- Those whose hold has ended and that nobody has put elsewhere since.
local function orphans_of(queue, most)
  local page, gone = {}, {}
  local ended = redis.call('ZRANGEBYSCORE', held_of(queue), '-inf', ready, 'LIMIT', 0, most)
  for _, id in ipairs(ended) do
    local score = redis.call('ZSCORE', KEYS[queue], id)
    if score and tonumber(score) <= now then
      page[#page + 1], page[#page + 2] = id, score
    else
      gone[#gone + 1] = id
    end
  end
  if #gone > 0 then redis.call('ZREM', held_of(queue), unpack(gone)) end
  return page
end

-- What stock workers run is left to them; it stays in the ready range, so it is passed over.
local function take(part)
  local orphans, passed = orphans_of(part.queue, math.min(PAGE, part.jobs)), 0
  if #orphans > 0 then take_page(part, orphans) end
  while part.taken < part.jobs and not part.is_full do
    local page = redis.call('ZRANGEBYSCORE', KEYS[part.queue], '-inf', ready, 'WITHSCORES',
      'LIMIT', passed, math.min(PAGE, part.jobs - part.taken))
    if #page == 0 then return end
    passed = passed + take_page(part, page)
  end
  more = 1
end

for queue = 1, #KEYS do
  local share = ARGV[4 + queue] / shares
  -- One is left to each of those behind it.
  local left = most_jobs - #taken - (#KEYS - queue)
  local jobs = math.max(1, math.ceil(math.min(most_jobs * share, left)))
  take(part_of(queue, jobs, math.min(most_bytes * share, room), 1))
end
if #KEYS > 1 then
  more = 0
  for queue = 1, #KEYS do take(part_of(queue, math.max(0, most_jobs - #taken), room, 0)) end
end
-- Who took nothing need not come again at once.
return { #taken > 0 and more or 0, taken }
