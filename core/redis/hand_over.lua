-- Hands shards over to the batcher, flags up, or lowers their flags when there is no batcher: in one step, so that the batcher cannot
-- release its place in between. A place that would be taken for longer than batchers take it, or for ever, was not taken by Teller: it
-- is freed. A set of shards of another type is removed.
-- KEYS: the batcher's place, the shards handed over, the flags. ARGV: for how many milliseconds a batcher takes its place; the shards.
-- Returns whether a batcher has them.
local left_ms = redis.call("PTTL", KEYS[1])
if left_ms >= 0 and left_ms <= tonumber(ARGV[1]) then
   local held = redis.call("TYPE", KEYS[2]).ok
   if held ~= "set" and held ~= "none" then
      redis.call("UNLINK", KEYS[2])
   end
   redis.call("SADD", KEYS[2], unpack(ARGV, 2))
   return 1
end
redis.call("UNLINK", unpack(KEYS, 3))
if left_ms ~= -2 then
   redis.call("UNLINK", KEYS[1])
end
return 0
