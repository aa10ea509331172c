package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// SyncWait is the required value of wsrep_sync_wait on the nodes of a Galera cluster.
// With it, each statement waits until the node has applied all commits of the other
// nodes. Without it, the other nodes see a revocation a moment later, and the
// revocation of all tokens of a user misses tokens that another node has just issued.
const SyncWait = 1 | 2 // SELECT and BEGIN; UPDATE and DELETE

// galera holds the cluster settings of a MariaDB server.
type galera struct {
	on       bool
	syncWait int
}

// selectWsrep reads a server's settings. MySQL has neither variable and returns no row.
const selectWsrep = "SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_sync_wait')"

// scan reads one setting.
func (g *galera) scan(row Row) (err error) {
	var name, value string
	if err := row.Scan(&name, &value); err != nil {
		return fmt.Errorf("read a variable: %w", err)
	}
	switch strings.ToLower(name) {
	case "wsrep_on":
		g.on = strings.EqualFold(value, "ON") || value == "1"
	case "wsrep_sync_wait":
		g.syncWait, err = strconv.Atoi(value)
	}
	return err
}

func wsrep(ctx context.Context, on interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}) (g galera, err error) {
	rows, err := on.QueryContext(ctx, selectWsrep)
	if err != nil {
		return g, err
	}
	_, err = drain(ctx, rows, rows, g.scan)
	return g, err
}

func (g *galera) waits() bool { return !g.on || g.syncWait&SyncWait == SyncWait }

// InGalera reports whether the database is a node of a Galera cluster whose connections
// do not wait for the other nodes.
func InGalera(ctx context.Context, db *sql.DB) (withoutWaiting bool, err error) {
	g, err := wsrep(ctx, db)
	return !g.waits(), err
}
