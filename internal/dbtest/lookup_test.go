package dbtest_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// BR-10, RV-07: those who look up at the same time share a statement. Whoever asks
// after a token was revoked is told so all the same, however large the crowd is, and
// nobody is given what another one has asked for.
func TestStore_BR_10_RV_07_RevokedIsSeenInACrowd(t *testing.T) {
	const tokens, crowd, askers = 50, 24, 16
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s := migrated(t, dbtest.Open(t, d), d)
		c, _ := populated(t, s)
		id := func(i int) string { return fmt.Sprintf("token %d", i) }
		for i := range tokens {
			issued := newIssuance(c, newFamily(fmt.Sprintf("family %d", i)), id(i), oauth.Spend{})
			issued.NewFamily, issued.AccessToken.Scopes = issued.AccessToken.Family, []string{fmt.Sprint(i)}
			issued.RefreshToken.Family = issued.NewFamily
			must(t, s.Issue(t.Context(), issued))
		}
		stop := make(chan struct{})
		var others, asking sync.WaitGroup
		for n := range crowd {
			others.Go(func() {
				for i := n; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					i := i % (tokens + 1)
					found, err := s.AccessToken(t.Context(), id(i))
					switch {
					case i == tokens && errors.Is(err, oauth.ErrNotFound):
					case err != nil:
						t.Errorf("AccessToken(%q) = %v, want nil", id(i), err)
						return
					case found.ID != id(i) || found.Scopes[0] != fmt.Sprint(i) || found.Family.ID != fmt.Sprintf("family %d", i) || found.Client.ID != c.ID:
						t.Errorf("AccessToken(%q) returned %q with scopes %q, family %q and client %q", id(i), found.ID, found.Scopes, found.Family.ID, found.Client.ID)
						return
					}
				}
			})
		}
		for i := range tokens {
			must(t, s.RevokeToken(t.Context(), id(i), now.Add(time.Minute), nil))
			for range askers {
				asking.Go(func() {
					found, err := s.AccessToken(t.Context(), id(i))
					if err != nil || found.Live(now.Add(2*time.Minute)) {
						t.Errorf("AccessToken(%q) after it was revoked = %+v, %v, want it dead", id(i), found, err)
					}
				})
			}
			asking.Wait()
		}
		close(stop)
		others.Wait()
	})
}

// What a crowd is given is what one alone is given, of each kind of record, and
// belongs to each: to change it changes nobody else's.
func TestStore_LookupsInACrowdAreWholeAndOnesOwn(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		s := migrated(t, dbtest.Open(t, d), d)
		c, f := populated(t, s)
		must(t, s.RotateSecret(t.Context(), c.ID, oauth.Secret{Digest: oauth.DigestOf("second"), CreatedAt: now}, now.Add(time.Hour), nil))
		must(t, s.Issue(t.Context(), newIssuance(c, f, "first", spendCode(f))))
		must(t, s.Issue(t.Context(), newIssuance(c, f, "next", spendRefresh("first"))))
		personal := newIssuance(c, newFamily("personal"), "opaque", oauth.Spend{})
		personal.NewFamily, personal.RefreshToken, personal.AccessToken.Digest = personal.AccessToken.Family, nil, oauth.DigestOf("opaque")
		must(t, s.Issue(t.Context(), personal))
		for name, find := range map[string]func() (any, error){
			"Client":       func() (any, error) { return s.Client(t.Context(), c.ID) },
			"AccessToken":  func() (any, error) { return s.AccessToken(t.Context(), "first") },
			"OpaqueToken":  func() (any, error) { return s.OpaqueToken(t.Context(), oauth.DigestOf("opaque")) },
			"RefreshToken": func() (any, error) { return s.RefreshToken(t.Context(), oauth.DigestOf("refresh first")) },
			"Code":         func() (any, error) { return s.Code(t.Context(), oauth.DigestOf("code of "+f.ID)) },
			"ClientWithCode": func() (any, error) {
				client, _, err := s.ClientWithCode(t.Context(), c.ID, oauth.DigestOf("code of "+f.ID))
				return client, err
			},
			"ClientWithRefreshToken": func() (any, error) {
				_, token, err := s.ClientWithRefreshToken(t.Context(), c.ID, oauth.DigestOf("refresh first"))
				return token, err
			},
		} {
			want, err := find()
			must(t, err)
			all := make([]any, 64)
			var wg sync.WaitGroup
			for i := range all {
				wg.Go(func() {
					var err error
					if all[i], err = find(); err != nil {
						t.Errorf("%s in a crowd: %v", name, err)
					}
				})
			}
			wg.Wait()
			seen := map[any]bool{}
			for _, got := range all {
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("%s in a crowd is %+v, alone %+v", name, got, want)
				}
				if seen[got] {
					t.Fatalf("%s: two callers were given the same record", name)
				}
				seen[got] = true
			}
		}
	})
}

// A crowd asks less often than it has members, on each database: of 64 at once the
// first two ask alone, and whoever comes while they do shares what follows.
func TestStore_ACrowdSharesStatements(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		var asked atomic.Int64
		slow := dbtest.Hooks{Before: func(op dbtest.Op, query string) error {
			if op == dbtest.OpQuery && strings.Contains(query, "oauth_clients") {
				asked.Add(1)
				time.Sleep(20 * time.Millisecond) // a network stands in between
			}
			return nil
		}}
		s := migrated(t, dbtest.Wrap(t, dbtest.URL(t, d), slow), d)
		c, _ := populated(t, s)
		const members, rounds = 64, 5
		asked.Store(0)
		for range rounds {
			var wg sync.WaitGroup
			for range members {
				wg.Go(func() {
					if _, err := s.Client(t.Context(), c.ID); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if n := asked.Load(); n > members*rounds/4 {
			t.Errorf("%d look-ups took %d statements, want a few for each crowd of %d", members*rounds, n, members)
		}
	})
}
