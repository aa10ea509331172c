// Package methods lists the HTTP methods that routes are registered for.
package methods

import "net/http"

// All are the methods that each path is registered for. The handler of the path refuses
// the methods that it does not accept. A path without a method conflicts with an
// application's "GET /": neither pattern is more specific, and ServeMux panics. A path
// with only some methods would leave the others to the application's "/".
var All = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}
