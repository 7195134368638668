-- wrk posts what the bridge posts: 1 KB of JSON, each with an id of its own.
local pad = string.rep("x", 980)
local headers = { ["Content-Type"] = "application/json" }
local count = 0

function request()
    count = count + 1
    local body = string.format('{"id":"wrk-%d","ts":0,"pad":"%s"}', count, pad)
    return wrk.format("POST", "/", headers, body)
end
