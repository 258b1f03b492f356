-- Appends events to one tenant's stream: all of them, or none and an error.
-- KEYS: the stream. ARGV: how many entries it keeps, then key, kind and JSON of each event.
-- Every entry names the one before it, so that a reader sees that something is missing.
-- Answers whether there was a stream.
local existed, last = redis.call('EXISTS', KEYS[1]), '0-0'
if existed == 1 then
  local about = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then last = about[i + 1] end
  end
end
for i = 2, #ARGV, 3 do
  last = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'follows', last,
    'key', ARGV[i], 'kind', ARGV[i + 1], 'event', ARGV[i + 2])
end
return existed
