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

// BR-10, RV-07: concurrent look-ups share a statement. A look-up after a revocation
// still sees it, however many others run, and no caller gets another caller's record.
func TestStore_BR_10_RV_07_RevocationIsSeenUnderLoad(t *testing.T) {
	const tokens, readers, checks = 50, 24, 16
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
		var others, checking sync.WaitGroup
		for n := range readers {
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
						t.Errorf("AccessToken(%q) = %q with scopes %q, family %q and client %q, want its own record", id(i), found.ID, found.Scopes, found.Family.ID, found.Client.ID)
						return
					}
				}
			})
		}
		for i := range tokens {
			must(t, s.RevokeToken(t.Context(), id(i), now.Add(time.Minute), nil))
			for range checks {
				checking.Go(func() {
					found, err := s.AccessToken(t.Context(), id(i))
					if err != nil || found.Live(now.Add(2*time.Minute)) {
						t.Errorf("AccessToken(%q) after it was revoked = %+v, %v, want it dead", id(i), found, err)
					}
				})
			}
			checking.Wait()
		}
		close(stop)
		others.Wait()
	})
}

// Concurrent look-ups return the same as a single one, for each kind of record. Each
// caller gets its own copy.
func TestStore_ConcurrentLookupsReturnCopies(t *testing.T) {
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
						t.Errorf("concurrent %s = %v, want nil", name, err)
					}
				})
			}
			wg.Wait()
			seen := map[any]bool{}
			for _, got := range all {
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("concurrent %s = %+v, want %+v", name, got, want)
				}
				if seen[got] {
					t.Fatalf("concurrent %s: two callers got the same record, want copies", name)
				}
				seen[got] = true
			}
		}
	})
}

// Concurrent look-ups take fewer statements than callers, on each database. Of 64, the
// first two run alone, and look-ups that arrive meanwhile share the next statements.
func TestStore_ConcurrentLookupsShareStatements(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		var statements atomic.Int64
		slow := dbtest.Hooks{Before: func(op dbtest.Op, query string) error {
			if op == dbtest.OpQuery && strings.Contains(query, "oauth_clients") {
				statements.Add(1)
				time.Sleep(20 * time.Millisecond) // like a network
			}
			return nil
		}}
		s := migrated(t, dbtest.Wrap(t, dbtest.URL(t, d), slow), d)
		c, _ := populated(t, s)
		const callers, rounds = 64, 5
		statements.Store(0)
		for range rounds {
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					if _, err := s.Client(t.Context(), c.ID); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if n := statements.Load(); n > callers*rounds/4 {
			t.Errorf("%d look-ups took %d statements, want a few for each %d", callers*rounds, n, callers)
		}
	})
}
