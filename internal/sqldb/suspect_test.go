package sqldb_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// suspect makes the connections of a pool suspect.
func suspect(t *testing.T, f *fake, db *sqldb.DB) {
	t.Helper()
	f.breakAll()
	if err := requests(db)["Row"](t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f.asked()
}

// A suspect connection may respond to a ping and break before its statement. A SELECT
// and a BEGIN are then repeated several times, but not forever. A write is sent once.
func TestBroken_FR_52_BreaksAgainAfterThePing(t *testing.T) {
	for _, d := range []sqldb.Dialect{sqldb.Postgres, sqldb.MySQL} {
		for name := range requests(nil) {
			for _, times := range []int{1, 2, 3, 1000} {
				t.Run(fmt.Sprint(d.Name, " ", name, " ", times), func(t *testing.T) {
					f := &fake{respond: oneRow}
					pool := f.open(t)
					db := sqldb.New(pool, d)
					fill(t, pool, 8)
					suspect(t, f, db)
					broke := 0
					f.respond = func(op, q string) (any, error) {
						if op != "connect" && op != "ping" && op != "rollback" && broke < times {
							broke++
							return nil, io.ErrUnexpectedEOF
						}
						return oneRow(op, q)
					}
					err := requests(db)[name](t.Context(), "row")
					repeats := slices.Contains(repeatable, name)
					if (err == nil) != (repeats && times < 1000) || err != nil && !errors.Is(err, oauth.ErrUnavailable) {
						t.Errorf("%s with a connection that breaks %d times after the ping = %v, want an error: %v", name, times, err, !(repeats && times < 1000))
					}
					if !repeats && broke != 1 || broke > 10 {
						t.Errorf("%s sent %d times, want once, or at most 10 times if it is repeatable", name, broke)
					}
				})
			}
		}
	}
}
