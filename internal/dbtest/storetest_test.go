package dbtest_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
	"github.com/go-passport/passport/storetest"
)

func TestStore(t *testing.T) {
	for _, d := range dbtest.Dialects {
		for _, pool := range []int{1, 32} {
			t.Run(fmt.Sprintf("%s/pool of %d", d.Name, pool), func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) oauth.Store { return migrated(t, dbtest.Open(t, d), d, pool) })
			})
		}
	}
}

func migrated(t *testing.T, db *sql.DB, d sqldb.Dialect, pool int) oauth.Store {
	t.Helper()
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	s := sqlstore.New(db, d)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
