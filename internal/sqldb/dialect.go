package sqldb

import (
	"strconv"
	"strings"
)

// Dialect describes a kind of database. Its values are [SQLite], [Postgres] and
// [MySQL].
type Dialect struct {
	// Name is "sqlite", "postgres" or "mysql". It is also the name of the folder
	// with its migrations.
	Name string

	dollar     bool // placeholders are $1, $2 …
	onConflict bool // has ON CONFLICT DO NOTHING
	oneWriter  bool // has one write lock for the whole database

	// prepare enables our cache of prepared statements. The PostgreSQL driver has its
	// own cache, because it knows whether there is a pooler.
	prepare bool

	// inProcess means that a statement runs in its caller's goroutine.
	inProcess bool

	// packs means that a row is returned as one column: see pack.
	packs bool

	// transactionalDDL means that a failed migration is rolled back.
	transactionalDDL bool

	// grouped means that concurrent writes share a transaction. This does not pay on
	// Galera, where COMMIT fails more often for longer transactions.
	grouped bool

	// lookups is the maximum number of concurrent SELECTs for one kind of record.
	// Further look-ups share the next SELECT.
	lookups int

	tableExists string // a query for the number of tables with a name

	// readOnly is a SELECT of one column: 1 if the connection leads to a node that
	// refuses our writes, otherwise 0. It is empty for SQLite, which has no nodes.
	readOnly string
}

// The supported databases. MySQL includes MariaDB.
var (
	SQLite = Dialect{
		Name: "sqlite", onConflict: true, oneWriter: true, prepare: true, transactionalDDL: true, grouped: true, inProcess: true, packs: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?`,
	}
	Postgres = Dialect{
		Name: "postgres", onConflict: true, dollar: true, transactionalDDL: true, grouped: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?`,
		readOnly:    `SELECT CASE current_setting('transaction_read_only') WHEN 'on' THEN 1 ELSE 0 END`, // always on at a standby
	}
	MySQL = Dialect{
		Name: "mysql", prepare: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`,
		// Users with these privileges may write nevertheless. The comments select the
		// name of the session variable: MySQL and MariaDB have different names.
		readOnly: `SELECT CASE WHEN @@GLOBAL.read_only IN ('0', 'OFF') THEN 0 /*!50720 + @@SESSION.transaction_read_only */ /*M! + @@SESSION.tx_read_only */ ELSE NOT EXISTS (SELECT 1 FROM information_schema.user_privileges ` +
			`WHERE privilege_type IN ('SUPER', 'CONNECTION_ADMIN', 'READ_ONLY ADMIN') AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')) END`,
	}
)

// bind rewrites the placeholders of a query in the database's syntax. Our queries have
// no question mark inside a literal.
func (d Dialect) bind(q string) string {
	if !d.dollar {
		return q
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(q, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
