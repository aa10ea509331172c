// Package storetest checks that a store satisfies the contract of [oauth.Store].
// Run it in a test of your store or wrapper:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) oauth.Store {
//			return mystore.New(emptyDatabase(t))
//		})
//	}
//
// The suite lets 64 goroutines race for each kind of one-time value, and revokes in
// every way while tokens are being issued. It repeats each race 200 times; 20 times
// under the race detector, 10 times with -short. Expect 10 to 40 seconds for a
// database.
//
// Run a store over a database several times: with a pool of a single connection, where
// a call that takes a second connection deadlocks; with a large pool that other queries
// use at the same time; and with each isolation level that your users may choose.
package storetest
