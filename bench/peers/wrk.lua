-- wrk: POSTs of BENCH_BODY, in which $ID becomes unique and $T 0; or GETs of BENCH_PATHS one after another.
local paths = {}
for path in string.gmatch(os.getenv("BENCH_PATHS") or "", "%S+") do paths[#paths + 1] = path end
local prefix = os.getenv("BENCH_PREFIX") or "w"
local body = string.gsub(os.getenv("BENCH_BODY") or "$ID", "%$T", "0")
local before, after = string.match(body, "^(.-)%$ID(.*)$")
local n = 0

local function post()
  local full = before .. prefix .. n .. after
  return "POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " .. #full .. "\r\n\r\n" .. full
end

function request()
  n = n + 1
  if #paths == 0 then return post() end
  return "GET " .. paths[n % #paths + 1] .. " HTTP/1.1\r\nHost: bench\r\n\r\n"
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('JSON{"requests":%d,"duration_us":%d,"bad":%d,"socket":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
