-- wrk posts what the bridge posts: 1 KB of JSON.
wrk.method = "POST"
wrk.body = '{"id":"wrk-0","ts":0,"pad":"' .. string.rep("x", 994) .. '"}'
wrk.headers["Content-Type"] = "application/json"
