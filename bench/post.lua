-- POSTs with an object_id that no other request uses. wrk gives each thread its own copy of this.
local counter = 0
local thread = 0
local run = os.getenv("BENCH_RUN") or "0"
function setup(t) thread = thread + 1; t:set("id", thread) end
function request()
  counter = counter + 1
  return wrk.format("POST", "/", { ["Content-Type"] = "application/json" },
    '{"object_id":"' .. run .. "-" .. id .. "-" .. counter .. '","type":"noop"}')
end
