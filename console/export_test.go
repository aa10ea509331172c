package console

// What stands around the routes of the binary, for tests that bring routes of
// their own.
var (
	Middleware = middleware
	OwnName    = ownName
	ServeHTTP  = serveHTTP
	Safe       = safe
)
