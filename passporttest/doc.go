// Package passporttest helps an application to test what stands behind Passport's
// guards, and what talks to its endpoints.
//
// Begin with [ActingAs] and [ActingAsClient]: the request then passes the guards
// as that user or client, without a token, a store or keys.
//
//	r := httptest.NewRequest("GET", "/api/orders", nil)
//	handler.ServeHTTP(w, passporttest.ActingAs(r, ada, "check-status"))
//
// Where the token itself matters, [NewServer] makes a real server in memory. Its
// tokens are issued by the grants that clients use, its guards ask its store. It
// opens no socket and starts no goroutine, so a test can run in a bubble of
// testing/synctest and let a year pass in no time.
//
// All of it panics outside of tests: what lets anybody in does not belong into a
// binary.
package passporttest

import "testing"

// insideTest panics outside of tests: name was called where it opens a door.
func insideTest(name string) {
	if !testing.Testing() {
		panic("passporttest: " + name + " was called outside of a test. It lets in whom it is told to: " +
			"keep it in files whose names end in _test.go")
	}
}
