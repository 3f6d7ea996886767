-- Leaves shards to the gatherer, flags up, or takes their flags down when there is none: in one step, so that no gatherer can be
-- gone before it has them. KEYS: the gatherer's place, the shards left to it, the flags. ARGV: their shards.
-- Returns whether somebody has them.
if redis.call("EXISTS", KEYS[1]) == 1 then
   redis.call("SADD", KEYS[2], unpack(ARGV))
   return 1
end
redis.call("DEL", unpack(KEYS, 3))
return 0
