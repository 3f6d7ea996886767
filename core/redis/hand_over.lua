-- Hands shards over to the batcher, with the flags up, or lowers their flags when there is no batcher: atomically, so that the
-- batcher cannot release its place in between. A place with a longer expiry than ARGV[1], or with none, is not Teller's: freed.
-- A key of another type in place of the set of shards is deleted.
-- KEYS: the batcher's place, the set of shards handed over, the flags. ARGV: the place's expiry in milliseconds; the shards.
-- Returns 1 when a batcher has them.
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
