package dbtest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// Concurrent removals of one user's connections wait for each other. If they deadlock
// instead, each of them runs again many times.
func TestStore_FR_07_RemovalsWaitInTurn(t *testing.T) {
	const rivals, most = 64, 3 // transactions for each removal
	for _, d := range dbtest.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			dbtest.Need(t, d)
			t.Parallel()
			db, counter := dbtest.Count(t, dbtest.URL(t, d))
			db.SetMaxOpenConns(32)
			store := migrated(t, db, d)
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			alice := oauth.UserRef{Provider: "users", ID: "alice"}
			client := &oauth.Client{ID: "shop", Name: "Shop", AuthMethod: oauth.AuthBasic, CreatedAt: at}
			if err := store.CreateClient(t.Context(), client, nil); err != nil {
				t.Fatal(err)
			}
			for i := range rivals {
				connect(t, store, client, alice, fmt.Sprint("token ", i), at)
			}
			counter.Take()
			var all sync.WaitGroup
			for i := range rivals {
				all.Go(func() {
					removal := &oauth.Disconnection{User: alice, TokenID: fmt.Sprint("token ", i), Time: at}
					if revoked, _, err := store.Disconnect(t.Context(), removal); err != nil || !revoked {
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
}

// connect stores a family of the user with an access token.
func connect(t *testing.T, store *sqlstore.Store, c *oauth.Client, u oauth.UserRef, id string, at time.Time) {
	t.Helper()
	f := &oauth.Family{ID: id, User: u, ClientID: c.ID, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	err := store.Issue(t.Context(), &oauth.Issuance{
		Time: at, NewFamily: f, Consents: []string{"read"},
		AccessToken: &oauth.AccessToken{ID: id, Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: at, ExpiresAt: at.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
}
