-- Leaves shards to the gatherer, flags up, or takes their flags down when there is none: in one step, so that no gatherer can be
-- gone before it has them. A gatherer's place that would be taken for longer than any gatherer takes it, or for ever, was not taken by
-- one: it is freed. A set of shards of another type is removed.
-- KEYS: the gatherer's place, the shards left to it, the flags. ARGV: for how many milliseconds a gatherer takes its place; the shards.
-- Returns whether a gatherer has them.
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
