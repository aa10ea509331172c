package main

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/internal/try"
	"github.com/go-passport/passport/sqlstore"
)

func TestMounted(t *testing.T) {
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN(filepath.Join(t.TempDir(), "accounts.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start uses the records of the first
		app, auth, err := application(t.Context(), db, keys)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("machines", func(t *testing.T) { try.Machines(t, app, auth) })
		t.Run("customers", func(t *testing.T) { try.Customers(t, app, auth, "/api/user", "check-status") })
	}
}
