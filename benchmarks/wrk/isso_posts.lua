-- Comments for Isso, each with another text.
local run, number = "", 0
function init(args) run = args[1] or "" end
function request()
  number = number + 1
  local headers = {}
  for name, value in pairs(wrk.headers) do headers[name] = value end
  headers["Content-Type"] = "application/json"
  local text = "A remark of ordinary length that asks *one* question " .. run .. " " .. number
  return wrk.format("POST", wrk.path, headers, '{"author": "Ada", "title": "Posts", "text": "' .. text .. '"}')
end
