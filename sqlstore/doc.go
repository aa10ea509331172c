// Package sqlstore keeps Passport's records in an application's own database:
// SQLite, PostgreSQL, or MySQL and MariaDB.
//
//	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("app.db"))
//	…
//	store := sqlstore.New(db, sqlstore.SQLite)
//	err = store.Migrate(ctx)
//
// It imports no driver: the application opens its database with the one that
// it uses anyhow. Known to work are modernc.org/sqlite, pgx through
// database/sql, and go-sql-driver/mysql.
//
// # Tables
//
// They are called oauth_clients, oauth_access_tokens and so on. [Store.Migrate]
// makes them; an application with a tool of its own for that takes the files,
// which are in goose's format, from [Migrations]. No foreign key binds them to
// each other or to the application's tables.
//
// # The pool
//
// Any size will do, one connection included: no call takes a second connection
// while it holds one. On SQLite the writers of all stores over one *sql.DB
// queue, because the database has a single write lock. A call that changes
// something cannot succeed there while the application has a write transaction
// of its own open around it; after some seconds the error says so.
//
// # When the database fails
//
// What is out of reach, busy, or did not say whether it committed is
// [oauth.ErrUnavailable]. A transaction that met another one is run again; one
// whose outcome is unknown never is.
package sqlstore
