-- Every view comes from the same reader.
wrk.method = "POST"
wrk.body = ""
wrk.headers["Content-Length"] = "0"
