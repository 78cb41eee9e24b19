-- Draws a request at random each time, and ends with one line of JSON: what happened, times in microseconds.
-- The file that it draws from has an id, a blank and a key in each line; the id is 36 characters long.
local lines = {}

function init(arguments)
  for line in io.lines(arguments[1]) do
    lines[#lines + 1] = line
  end
  math.randomseed(tonumber(arguments[2]))
end

function request()
  local line = lines[math.random(#lines)]
  return 'GET /api/v1/automation/executions/' .. line:sub(1, 36)
    .. ' HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ' .. line:sub(38) .. '\r\n\r\n'
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
