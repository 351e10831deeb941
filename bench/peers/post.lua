-- wrk: every POST has its own object_id.
local prefix = os.getenv("BENCH_PREFIX") or "w"
local jobType = os.getenv("BENCH_TYPE")
local tail = jobType and '","type":"' .. jobType .. '","payload":{"t":0}}' or '","t":0}'
local n = 0

function request()
  n = n + 1
  local body = '{"object_id":"' .. prefix .. n .. tail
  return "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('JSON{"requests":%d,"duration_us":%d,"bad":%d,"socket":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
