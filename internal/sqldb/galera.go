package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// SyncWait is what wsrep_sync_wait has to hold at the servers of a Galera cluster:
// each statement waits for what the others have committed. Without it a revocation
// at one node is seen at the others only a moment later, and the revocation of
// everything that a user has misses what another node has just answered.
const SyncWait = 1 | 2 // SELECT and BEGIN; UPDATE and DELETE

// galera is how a server of MariaDB takes part in a cluster.
type galera struct {
	on       bool
	syncWait int
}

// wsrep asks a server. MySQL knows none of the variables, and answers no row.
func wsrep(ctx context.Context, on interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}) (g galera, err error) {
	rows, err := on.QueryContext(ctx, "SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_sync_wait')")
	if err != nil {
		return g, err
	}
	_, err = drain(ctx, rows, rows, func(row Row) error {
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
	})
	return g, err
}

// InGalera reports whether a database is a server of a Galera cluster whose
// connections do not wait for the others.
func InGalera(ctx context.Context, db *sql.DB) (withoutWaiting bool, err error) {
	g, err := wsrep(ctx, db)
	return g.on && g.syncWait&SyncWait != SyncWait, err
}
