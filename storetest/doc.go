// Package storetest checks that a store keeps the promises of [oauth.Store].
// Whoever writes a store, or wraps one, runs it in a test of their own:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) oauth.Store {
//			return mystore.New(emptyDatabase(t))
//		})
//	}
//
// It lets 64 goroutines fight for each kind of one-time value and revokes in
// every way while tokens are being issued, in 200 rounds each; 20 under the
// race detector, 10 with -short. Expect 10 to 40 seconds for a database.
//
// A store over a database is worth running several times: over a pool of one
// connection, in which whatever takes a second one hangs, and over a large one
// that other queries use at the same time; and at each isolation level that its
// users may choose.
package storetest
