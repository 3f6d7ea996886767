-- The requests that wrk sends, and the line that it prints at its end. bench/load.py sets the environment and reads that line.
--   BENCH_MODE          one of the modes below
--   BENCH_IDS           a file with an id a line: of transfers for "get", else of wallets
--   BENCH_OPERATOR_KEY  the operator's API key
--   BENCH_PREFIX        what this run's idempotency keys begin with: a random text, the thread's number and a counter make a key
--   BENCH_BATCH         transfers a request, for "batch"
-- Only "pairs" has a response(): with one, wrk builds a Lua table of the headers of each answer. wrk itself counts the statuses above
-- 399, and the callers of bench/load.py compare the count of answers with the stored transfers.

local threads = 0
local ids, pick, ask, head, prefix
local counter = 0
local accepted = {} -- holds whose capture is not sent yet, for "pairs"

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init()
   ids = read_ids(os.getenv("BENCH_IDS"))
   prefix = os.getenv("BENCH_PREFIX") .. "-" .. number .. "-"
   head = "Host: " .. wrk.headers["Host"] .. "\r\nAuthorization: Bearer " .. os.getenv("BENCH_OPERATOR_KEY") .. "\r\n"
   math.randomseed(number)
   local mode = modes[os.getenv("BENCH_MODE")]
   ask, pick, response = mode.ask, mode.pick and mode.pick(), mode.answered
end

function request()
   return ask()
end

function done(summary, latency)
   local percentiles = {}
   for _, percent in ipairs({ 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9 }) do
      table.insert(percentiles, ('"%g":%d'):format(percent, latency:percentile(percent)))
   end
   local errors = summary.errors
   print(('\n{"requests":%d,"duration_us":%d,"percentiles_us":{%s},"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}')
      :format(summary.requests, summary.duration, table.concat(percentiles, ","),
              errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end

function read_ids(file)
   local lines = {}
   for line in io.lines(file) do lines[#lines + 1] = line end
   return lines
end

-- Requests

function get()
   return "GET /v1/transfers/" .. ids[math.random(#ids)] .. " HTTP/1.1\r\n" .. head .. "\r\n"
end

function transfer()
   local source, destination = pick()
   local body = '{"source_wallet_id":"' .. source .. '","destination_wallet_id":"' .. destination .. '","amount":1}'
   return post("/v1/transfers", "Idempotency-Key: " .. next_key() .. "\r\n", body)
end

-- Each hold is captured by the request that follows its 202 on any connection.
function hold_or_capture()
   local hold = table.remove(accepted)
   if hold then
      return post("/v1/transfers/" .. hold .. "/capture", "Idempotency-Key: " .. next_key() .. "\r\n", "{}")
   end
   local source, destination = pick()
   local body = '{"source_wallet_id":"' .. source .. '","destination_wallet_id":"' .. destination .. '","amount":1}'
   return post("/v1/holds", "Idempotency-Key: " .. next_key() .. "\r\n", body)
end

function note_hold(status, headers, body)
   local hold = status == 202 and body:match('"id":"(trf_%w+)","type":"hold"')
   if hold then accepted[#accepted + 1] = hold end
end

function batch()
   return batch_of(function() return "" end)
end

-- One item in ten is a hold.
function mixed()
   return batch_of(function(i) return i % 10 == 0 and '"type":"hold",' or "" end)
end

function batch_of(type_of)
   local items = {}
   for i = 1, tonumber(os.getenv("BENCH_BATCH")) do
      local source, destination = pick()
      items[i] = "{" .. type_of(i) .. '"idempotency_key":"' .. next_key() .. '","source_wallet_id":"' .. source
         .. '","destination_wallet_id":"' .. destination .. '","amount":1}'
   end
   return post("/v1/transfers/batch", "", '{"transfers":[' .. table.concat(items, ",") .. "]}")
end

function post(path, headers, body)
   return "POST " .. path .. " HTTP/1.1\r\n" .. head .. headers
      .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function next_key()
   counter = counter + 1
   return prefix .. counter
end

-- The wallets of a transfer: each function returns a function that returns two different wallets.

function uniform()
   return differing(function() return math.random(#ids) end, function() return math.random(#ids) end)
end

function into_one()
   return differing(function() return math.random(#ids) end, function() return 1 end)
end

function out_of_one()
   return differing(function() return 1 end, function() return math.random(#ids) end)
end

-- The n-th wallet is drawn n times less often than the first (Zipf with exponent 1).
function zipf()
   local reached, total = {}, 0
   for n = 1, #ids do
      total = total + 1 / n
      reached[n] = total
   end
   local function draw()
      local wanted, low, high = math.random() * total, 1, #ids
      while low < high do
         local middle = math.floor((low + high) / 2)
         if reached[middle] < wanted then low = middle + 1 else high = middle end
      end
      return low
   end
   return differing(draw, draw)
end

function differing(draw_source, draw_destination)
   return function()
      local source, destination = draw_source(), draw_destination()
      while source == destination do source, destination = draw_source(), draw_destination() end
      return ids[source], ids[destination]
   end
end

modes = {
   ["get"] = { ask = get },
   ["batch"] = { ask = batch, pick = uniform },
   ["mixed"] = { ask = mixed, pick = uniform },
   ["pairs"] = { ask = hold_or_capture, pick = uniform, answered = note_hold },
   ["uniform"] = { ask = transfer, pick = uniform },
   ["into-one"] = { ask = transfer, pick = into_one },
   ["out-of-one"] = { ask = transfer, pick = out_of_one },
   ["zipf"] = { ask = transfer, pick = zipf },
}
