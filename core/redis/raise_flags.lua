-- Raises the flags that are down, in one round trip, and reads no flag's value. A flag with a longer expiry than ARGV[1], or
-- with none, was not raised by Teller: it counts as down, whatever its type.
-- KEYS: the flags. ARGV[1]: their expiry in milliseconds.
-- Returns the indexes in KEYS, from 1, of those that were down.
local raised = {}
for place, key in ipairs(KEYS) do
   if redis.call("SET", key, "1", "NX", "PX", ARGV[1]) then
      raised[#raised + 1] = place
   else
      local left_ms = redis.call("PTTL", key)
      if left_ms < 0 or left_ms > tonumber(ARGV[1]) then
         redis.call("SET", key, "1", "PX", ARGV[1])
         raised[#raised + 1] = place
      end
   end
end
return raised
