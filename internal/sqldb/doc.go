// Package sqldb is the part of database access that sqlstore and account share. It
// caches the text of each query, runs transactions, classifies errors, and applies
// migrations.
//
// # Errors
//
// An error has [oauth.ErrUnavailable] in its chain if the database gave no result: it
// is unreachable or busy, or it is unknown whether a write happened. If the caller
// canceled the request, context.Canceled is in the chain as well, so that a log can
// tell the two apart. An error that the database reports for a statement does not have
// ErrUnavailable in its chain.
//
// # Transactions
//
// [DB.Tx] runs its function again, from the start, while the transaction conflicts
// with another one. So the function must begin with its write, keep no result of an
// earlier run, and have no effect except through its [Tx].
//
// # Concurrent callers
//
// Concurrent callers share work. [DB.Group] shares a transaction and its COMMIT
// (group commit). [DB.Lookup] shares a SELECT. Both collect the calls in a batcher.
// One of the callers leads each batch, so no goroutine is started.
package sqldb
