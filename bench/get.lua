-- GETs the ids of BENCH_IDS one after another.
local ids = {}
for id in string.gmatch(os.getenv("BENCH_IDS"), "[^,]+") do ids[#ids + 1] = id end
local i = 0
function request()
  i = i % #ids + 1
  return wrk.format("GET", "/" .. ids[i])
end
