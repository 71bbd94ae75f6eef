-- Every request is new: each view comes from another user agent, each comment has another text.
local run, number = "", 0
function init(args) run = args[1] or "" end
function request()
  number = number + 1
  local headers, body = {}, ""
  for name, value in pairs(wrk.headers) do headers[name] = value end
  if wrk.path:find("/views$") then
    headers["User-Agent"] = wrk.headers["User-Agent"] .. " " .. run .. "." .. number
    headers["Content-Length"] = "0"
  else
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = "author_name=Ada&body=A+remark+of+ordinary+length+that+asks+*one*+question+" .. run .. "+" .. number
  end
  return wrk.format("POST", wrk.path, headers, body)
end
