package dbtest_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// 64 goroutines use and refresh tokens at three nodes, while families are revoked, the
// nodes write the last uses, and a purge runs. Afterwards each live family has a use of
// that time, and no other row is left.
func TestServer_PA_2_UsesRaceWritesAndPurges(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		store := migrated(t, db, d)
		keys, err := passport.GenerateKeys()
		must(t, err)
		nodes := make([]*oauthServer, 3)
		for i := range nodes {
			nodes[i] = newOAuthServer(t, store, func(c *passport.Config) { c.Keys = keys })
			nodes[i].web = nodes[0].web
		}
		const families, ending = 16, 4
		began := time.Now().Add(-time.Millisecond)
		var current [families]atomic.Pointer[reply]
		for i := range current {
			current[i].Store(nodes[0].ok(nodes[0].redeem(nodes[0].code())))
		}
		ctx, stop := context.WithCancel(t.Context())
		var background, users sync.WaitGroup
		for _, node := range nodes {
			background.Go(func() {
				for ctx.Err() == nil { // a node writes when Run ends
					once, cancel := context.WithTimeout(ctx, rand.N(20*time.Millisecond))
					if err := node.Run(once); err != nil {
						t.Errorf("Run() = %v, want nil", err)
					}
					cancel()
				}
			})
		}
		background.Go(func() {
			for ctx.Err() == nil {
				if _, err := nodes[0].Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
					t.Errorf("Purge() = %v, want nil", err)
				}
			}
		})
		const workers = 64
		for worker := range workers {
			users.Go(func() {
				node, family := nodes[worker%len(nodes)], worker%families
				for round := range 10 {
					tok := current[family].Load()
					switch {
					case worker < ending && round == 5:
						node.revoke(node.web, tok.Refresh)
					case worker < families && family >= ending: // one goroutine of each live family
						current[family].Store(node.ok(node.refresh(tok.Refresh)))
					default:
						node.admits(tok.Access)
					}
				}
			})
		}
		users.Wait()
		time.Sleep(50 * time.Millisecond) // every node writes once more
		stop()
		background.Wait()

		for {
			n, err := store.Purge(t.Context(), oauth.PurgeBefore{Revoked: time.Now().Add(2 * time.Hour)}, 1000)
			must(t, err)
			if n == 0 {
				break
			}
		}
		live, err := store.Connections(t.Context(), alice, time.Now())
		must(t, err)
		if len(live) != families-ending {
			t.Fatalf("%d families are live, want %d", len(live), families-ending)
		}
		for _, tok := range live {
			if tok.LastUsedAt.Before(began) || tok.LastUsedAt.After(time.Now()) || tok.LastUsedAddress != "192.0.2.1" {
				t.Errorf("the last use of a family is %s from %q, want a time of this test and the address of the requests", tok.LastUsedAt, tok.LastUsedAddress)
			}
		}
		if n := count(t, db, "oauth_last_used"); n != len(live) {
			t.Errorf("%d last uses are stored, want one for each of %d live families", n, len(live))
		}
		for _, node := range nodes {
			node.wantBlameless()
		}
	})
}
