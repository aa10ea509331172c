package laravelimport

import (
	"context"
	"database/sql"

	"github.com/go-passport/passport/internal/sqldb"
)

// places are the queries for the place of a table: the server, the database, and on
// PostgreSQL the schema. They need no privilege, and don't depend on the time zone of the
// session. The place is NULL if the database doesn't have the table.
var places = map[string]struct{ source, target string }{
	sqldb.Postgres.Name: {
		source: placeOnPostgres + `pg_table_is_visible(c.oid))`,
		target: placeOnPostgres + `n.nspname = current_schema())`, // the other schemas of the search path may have Laravel's tables
	},
	sqldb.MySQL.Name: {source: placeOnMySQL, target: placeOnMySQL},
}

// The time of the start identifies a server of PostgreSQL.
const placeOnPostgres = `SELECT EXTRACT(EPOCH FROM pg_postmaster_start_time())::text || ' ' || current_database() || ' ' ||
(SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1 AND `

// Servers of MySQL or MariaDB in containers often have the same host name, so the creation
// of the table is a part of the place.
const placeOnMySQL = `SELECT CONCAT(@@hostname, ' ', @@port, ' ', DATABASE(), ' ',
(SELECT MAX(UNIX_TIMESTAMP(create_time)) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?))`

// IsIn reports whether the target of an import has its tables in the place of Laravel's. It
// compares what the servers say, so it doesn't matter how URLs spell them. It returns false
// if a server can't tell.
func (s Source) IsIn(ctx context.Context, target *sql.DB, d sqldb.Dialect) bool {
	if d.Name != s.Dialect.Name {
		return false
	}
	q := places[d.Name]
	here, ok := placeOf(ctx, target, q.target, s.Prefix+clientsTable)
	if !ok {
		return false
	}
	there, ok := placeOf(ctx, s.DB, q.source, s.Prefix+clientsTable)
	return ok && here == there
}

func placeOf(ctx context.Context, db *sql.DB, query, table string) (place string, ok bool) {
	if query == "" {
		return "", false // SQLite: the files are compared
	}
	var found sql.NullString
	err := db.QueryRowContext(ctx, query, table).Scan(&found)
	return found.String, err == nil && found.Valid
}
