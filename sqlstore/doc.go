// Package sqlstore stores Passport's records in an application's own database:
// SQLite, PostgreSQL, MySQL or MariaDB.
//
//	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("app.db"))
//	…
//	store := sqlstore.New(db, sqlstore.SQLite)
//	err = store.Migrate(ctx)
//
// It imports no driver: the application opens its database with its own. Tested
// drivers are modernc.org/sqlite, pgx through database/sql, and
// go-sql-driver/mysql.
//
// # Tables
//
// The tables are named oauth_clients, oauth_access_tokens and so on.
// [Store.Migrate] creates them. An application with its own migration tool takes
// the files from [Migrations]; they are in goose's format. There are no foreign
// keys, neither between the tables nor to the application's.
//
// # The pool
//
// Any pool size works, even a single connection: no call takes a second connection
// while it holds one. SQLite has a single write lock, so all writes through one
// *sql.DB wait for each other. There, a write cannot succeed while the application
// has its own write transaction open around it. After some seconds it fails with an
// error that says so.
//
// # Database failures
//
// If the database is out of reach, busy, or did not confirm a COMMIT, the error is
// [oauth.ErrUnavailable]. A transaction that conflicts with another one is retried.
// A transaction with an unknown outcome is never retried.
package sqlstore
