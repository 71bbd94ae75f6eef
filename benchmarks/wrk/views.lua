-- Each view comes from a new reader: another user agent.
local run, number = "", 0
function init(args) run = args[1] or "" end
function request()
  number = number + 1
  local headers = {}
  for name, value in pairs(wrk.headers) do headers[name] = value end
  headers["User-Agent"] = wrk.headers["User-Agent"] .. " " .. run .. "." .. number
  headers["Content-Length"] = "0"
  return wrk.format("POST", wrk.path, headers, "")
end
