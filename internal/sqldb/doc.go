// Package sqldb is what sqlstore and account share of database/sql: one text
// for each query, one way to run a transaction, one place that reads errors,
// one migrator.
//
// # Errors
//
// What stands in the way of an answer has [oauth.ErrUnavailable] in its chain:
// a database that is out of reach or stays busy, and a write of which nobody
// can say whether it happened. A request that was given up by its caller has
// that too, and context.Canceled beside it, so that a log can tell the two
// apart. A database that answers that a statement is wrong is a plain error.
//
// # Transactions
//
// [DB.Tx] runs its function again, from the start, as long as the database
// answers that the transaction met another one. So the function begins with
// its write, keeps no result of an earlier run, and does nothing but talk to
// its [Tx].
//
// # Many at once
//
// Who comes while others are being served shares what follows: [DB.Group] a
// transaction and its COMMIT, [DB.Lookup] a SELECT. Both wait in a crowd, whose
// members lead in turn; no goroutine is started for it.
package sqldb
