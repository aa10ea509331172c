package sqldb

import (
	"strconv"
	"strings"
)

// Dialect is in what one kind of database differs from the others. Its values
// are [SQLite], [Postgres] and [MySQL].
type Dialect struct {
	// Name is "sqlite", "postgres" or "mysql", also the name of the folder
	// that holds its migrations.
	Name string

	dollar     bool // placeholders are $1, $2 …
	onConflict bool // has ON CONFLICT DO NOTHING
	oneWriter  bool // has one write lock for the whole database

	// prepare says that we keep prepared statements. On PostgreSQL they are
	// left to the driver, which knows whether a pooler stands in between.
	prepare bool

	// inProcess says that a statement runs in its caller's goroutine.
	inProcess bool

	// packs says that a row is answered as one column: see pack.
	packs bool

	// transactionalDDL says that a migration is undone when it fails.
	transactionalDDL bool

	// grouped says that writes which come at once share a transaction. It does
	// not pay where a longer one is refused more often: on Galera, COMMIT is.
	grouped bool

	// lookups is how many statements for one kind of record are asked at once: who
	// comes then shares the next one.
	lookups int

	tableExists string // a query for the number of tables with a name
}

// The supported databases. MySQL is MariaDB too.
var (
	SQLite = Dialect{
		Name: "sqlite", onConflict: true, oneWriter: true, prepare: true, transactionalDDL: true, grouped: true, inProcess: true, packs: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?`,
	}
	Postgres = Dialect{
		Name: "postgres", onConflict: true, dollar: true, transactionalDDL: true, grouped: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?`,
	}
	MySQL = Dialect{
		Name: "mysql", prepare: true, lookups: 2,
		tableExists: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`,
	}
)

// bind writes the placeholders of a query as the database wants them. No query
// of ours has a question mark inside a literal.
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
