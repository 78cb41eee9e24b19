-- Draws a request at random each time, and ends with one line of JSON: what happened, times in microseconds.
-- Each line of the file that it draws from is as long as the first: an id of 36 characters, a blank, a key, a blank, and
-- an entity tag or nothing. It is kept as one text, for a table of as many lines would take longer to make than some
-- servers to measure.
local text, length, key

function init(arguments)
  text = io.open(arguments[1]):read('*a')
  length = text:find('\n')
  key = text:find(' ', 38) - 1
  math.randomseed(tonumber(arguments[2]))
end

function request()
  local before = (math.random(#text / length) - 1) * length
  local condition = ''
  if key + 2 < length then
    condition = '\r\nIf-None-Match: ' .. text:sub(before + key + 2, before + length - 1)
  end
  return 'GET /api/v1/automation/executions/' .. text:sub(before + 1, before + 36)
    .. ' HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: ' .. text:sub(before + 38, before + key) .. condition .. '\r\n\r\n'
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
