-- KEYS: the queues. Answers how many entries are due in any of them; takes nothing.
local time = redis.call('TIME')
local now = string.format('%.3f', time[1] * 1000 + time[2] / 1000)
local due = 0
for queue = 1, #KEYS do due = due + redis.call('ZCOUNT', KEYS[queue], '-inf', now) end
return due
