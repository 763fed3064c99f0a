-- The published mixture for wrk: as many greetings as requests for ten numbers.
--
--   wrk -t1 -c100 -d30s --latency -s load/wrk/published.lua http://127.0.0.1:8080
--
-- wrk asks this script for the next request of whichever connection is free. The two
-- take turns over all connections of a thread, not on each one, so the mixture is
-- that of the published loop and the order on a connection is not.

local requests = {}
local turn = 0

function init(args)
  requests[0] = wrk.format("GET", "/a/hello?name=pspd")
  requests[1] = wrk.format("GET", "/b/numbers?count=10&delay_ms=5")
end

function request()
  local next = requests[turn]
  turn = 1 - turn
  return next
end

-- What wrk does not print: percentiles beyond the 99th, and each kind of failure.
function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format("p99.9 %.2f ms, max %.2f ms", latency:percentile(99.9) / 1000, latency.max / 1000))
  print(string.format("failed: connect %d, read %d, write %d, status %d, timeout %d",
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
