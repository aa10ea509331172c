// Package sqlstore stores Passport's records in the application's database: SQLite,
// PostgreSQL, MySQL or MariaDB.
//
//	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("app.db"))
//	…
//	store := sqlstore.New(db, sqlstore.SQLite)
//	err = store.Migrate(ctx)
//
// The package imports no driver: the application opens its database with its own
// driver. Tested drivers are modernc.org/sqlite, pgx through database/sql, and
// go-sql-driver/mysql.
//
// # Tables
//
// The tables are named oauth_clients, oauth_access_tokens and so on.
// [Store.Migrate] creates them. If the application has its own migration tool, use
// the files from [Migrations], which are in goose's format. The tables have no foreign
// keys, neither to each other nor to the application's tables.
//
// # The pool
//
// Any pool size works, even a single connection: no call takes a second connection
// while it holds one. SQLite allows one writer, so all writes through one *sql.DB
// wait for each other. If the application calls the store inside its own write
// transaction on SQLite, the write cannot succeed. It fails after some seconds with
// an error that says so.
//
// # Database failures
//
// If the database is unreachable or busy, or did not confirm a COMMIT, the error is
// [oauth.ErrUnavailable]. A transaction that conflicts with another one is retried.
// A transaction with an unknown outcome is never retried.
package sqlstore
