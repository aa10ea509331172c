package dbtest_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Concurrent removals of one user's connections wait for each other. If they deadlock
// instead, each of them runs again many times.
func TestStore_FR_07_RemovalsWaitInTurn(t *testing.T) {
	const rivals, most = 64, 3 // transactions for each removal
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		t.Parallel()
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		db.SetMaxOpenConns(32)
		s := migrated(t, db, d)
		c := newClient("client")
		must(t, s.CreateClient(t.Context(), c, nil))
		for i := range rivals {
			f := newFamily(fmt.Sprint("family ", i))
			issuance := newIssuance(c, f, fmt.Sprint("token ", i), oauth.Spend{})
			issuance.NewFamily, issuance.Consents = f, []string{"read"}
			must(t, s.Issue(t.Context(), issuance))
		}
		counter.Take()
		var all sync.WaitGroup
		for i := range rivals {
			all.Go(func() {
				revoked, _, err := s.Disconnect(t.Context(), &oauth.Disconnection{User: alice, TokenID: fmt.Sprint("token ", i), Time: now})
				if err != nil || !revoked {
					t.Errorf("removal %d of %d concurrent ones = %t, %v, want true", i, rivals, revoked, err)
				}
			})
		}
		all.Wait()
		if n := counter.Take().Transactions; n < rivals || n > most*rivals {
			t.Errorf("%d concurrent removals took %d transactions, want %d, and at most %d: "+
				"more means that they deadlock and run again", rivals, n, rivals, most*rivals)
		}
	})
}
