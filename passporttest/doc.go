// Package passporttest helps an application to test its guarded routes, and
// clients of Passport's endpoints.
//
// Begin with [ActingAs] and [ActingAsClient]: guards admit the request as that
// user or client, without a token, a store or keys.
//
//	r := httptest.NewRequest("GET", "/api/orders", nil)
//	handler.ServeHTTP(w, passporttest.ActingAs(r, ada, "check-status"))
//
// If the token itself matters, [NewServer] returns a real server in memory. Its
// grants issue the tokens, and its guards query its store. It opens no socket and
// starts no goroutine, so a test can run in a bubble of testing/synctest, where a
// year passes at once.
//
// All functions panic outside of tests, because a binary must not bypass its
// guards.
package passporttest

import "testing"

// insideTest panics outside of tests. name is the called function.
func insideTest(name string) {
	if !testing.Testing() {
		panic("passporttest: " + name + " was called outside of a test. It bypasses authentication: " +
			"call it only in files whose names end in _test.go")
	}
}
