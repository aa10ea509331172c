package dbtest_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// demote makes n idle sessions of a pool read-only, like those at an old primary after
// a failover. New sessions can write.
func demote(t *testing.T, pool *sql.DB, d sqldb.Dialect, n int) {
	t.Helper()
	q := map[string]string{
		"postgres": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
		"mysql":    "SET SESSION TRANSACTION READ ONLY",
	}[d.Name]
	var held []*sql.Conn
	for range n {
		conn, err := pool.Conn(t.Context())
		must(t, err)
		_, err = conn.ExecContext(t.Context(), q)
		must(t, err)
		held = append(held, conn)
	}
	for _, conn := range held {
		must(t, conn.Close())
	}
}

// FR-52: a failover leaves the connections to the old primary open. One write is
// refused, and all verbs succeed after it.
func TestStore_FR_52_FailoverKeepsConnections(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		for name, audit := range map[string]*oauth.AuditRecord{"alone": nil, "with an audit record": {Time: now, Action: "test"}} {
			t.Run(d.Name+" "+name, func(t *testing.T) {
				t.Parallel()
				databaseURL := dbtest.URL(t, d)
				s := migrated(t, dbtest.OpenURL(t, databaseURL), d)
				c, f := populated(t, s)
				pool := dbtest.OpenURL(t, databaseURL)
				through := sqlstore.New(pool, d)
				demote(t, pool, d, 6)
				err := through.RevokeClient(t.Context(), "unknown", now, audit)
				if !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("RevokeClient() in a read-only session = %v, want ErrUnavailable", err)
				}
				for _, verb := range verbs(t, through, c, f, audit) {
					if err := verb.call(); err != nil {
						t.Errorf("%s after a refused write = %v, want nil", verb.name, err)
					}
				}
			})
		}
	}
}

// FR-43: a probe opens new connections if those of the pool are read-only, and fails if
// the new ones are read-only too.
func TestReady_FR_43_ReadOnly(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			databaseURL := dbtest.URL(t, d)
			migrated(t, dbtest.OpenURL(t, databaseURL), d)
			pool := dbtest.OpenURL(t, databaseURL)
			demote(t, pool, d, 6)
			server := sqlstore.New(pool, d)
			if err := server.Check(t.Context()); err != nil {
				t.Errorf("Check() with read-only sessions and writable new ones = %v, want nil", err)
			}
			setting := map[string]string{"postgres": "default_transaction_read_only=on", "mysql": readOnlyVariable(t, pool, d) + "=1"}[d.Name]
			separator := map[bool]string{true: "&", false: "?"}[strings.Contains(databaseURL, "?")]
			standby := sqlstore.New(dbtest.OpenURL(t, databaseURL+separator+setting), d)
			if err := standby.Check(t.Context()); !errors.Is(err, oauth.ErrUnavailable) {
				t.Errorf("Check() with only read-only sessions = %v, want ErrUnavailable", err)
			}
			if _, err := standby.Client(t.Context(), "unknown"); !isNotFound(err) {
				t.Errorf("Client() with only read-only sessions = %v, want ErrNotFound", err)
			}
		})
	}
}

// readOnlyVariable returns the name of the variable, which differs in MariaDB.
func readOnlyVariable(t *testing.T, pool *sql.DB, d sqldb.Dialect) (name string) {
	t.Helper()
	if d.Name == sqldb.MySQL.Name {
		var value string
		must(t, pool.QueryRowContext(t.Context(), "SHOW VARIABLES WHERE Variable_name IN ('tx_read_only', 'transaction_read_only')").Scan(&name, &value))
	}
	return name
}
