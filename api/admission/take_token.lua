-- Takes tokens from a bucket (generic cell rate algorithm, as in ITU-T I.371). A bucket is one number: when it is full.
-- KEYS[1] the bucket. ARGV: seconds a token, seconds from empty to full, tokens wanted, the longest wait in seconds that the
-- settings can yield.
-- Returns "0" when it took the tokens, else the seconds until the next try may succeed. A request may overdraw the bucket if at
-- least one token is left; later requests wait until it has refilled.
-- A value that is no such number (another type, no number, infinite), or lies further ahead than the settings can yield (the
-- server's clock went back), counts as a full bucket and is replaced.
local now = redis.call("TIME")
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local length = redis.pcall("STRLEN", KEYS[1])
local full_at = type(length) == "number" and length <= 32 and tonumber(redis.call("GET", KEYS[1]) or "0") or 0
local wait = full_at + tonumber(ARGV[1]) - now - tonumber(ARGV[2])
if not (full_at > now and wait <= tonumber(ARGV[4])) then
   full_at = now
   wait = 0
end
if wait > 0.000001 then
   return string.format("%.6f", wait)
end
full_at = full_at + tonumber(ARGV[1]) * tonumber(ARGV[3])
redis.call("SET", KEYS[1], string.format("%.6f", full_at), "PX", math.ceil((full_at - now) * 1000))
return "0"
