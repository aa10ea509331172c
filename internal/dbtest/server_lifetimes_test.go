package dbtest_test

import (
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// The row decides: if an operator writes an earlier end into the database, the next
// request obeys it, even while the token's signature is cached. A later end does not
// extend a JWT.
func TestLifetimes_TheRowDecides_OnEachDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AccessTokenTTL = time.Second })
		write := func(table string, end time.Time) {
			t.Helper()
			query := map[bool]string{true: "UPDATE " + table + " SET expires_at = $1", false: "UPDATE " + table + " SET expires_at = ?"}[d == sqldb.Postgres]
			if _, err := db.ExecContext(t.Context(), query, end.UnixMicro()); err != nil {
				t.Fatal(err)
			}
		}
		past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)

		// The guard caches the signatures here. From now on only the rows change.
		short := s.ok(s.redeem(s.code())).Access
		s.admits(short)
		lasting := newOAuthServer(t, s.store, func(c *passport.Config) { c.PersonalTokenTTL = 24 * time.Hour })
		tok, own := lasting.ok(lasting.redeem(lasting.code())), lasting.ok(lasting.post(lasting.own, "grant_type", "client_credentials"))
		created, err := lasting.CreateToken(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "alice"}, "script")
		must(t, err)
		wants := func(want bool, why string, tokens ...string) {
			t.Helper()
			for _, token := range tokens {
				if got := lasting.admits(token); got != want {
					t.Errorf("%s: the guard admits the token = %v, want %v", why, got, want)
				}
			}
		}
		wants(true, "as issued", tok.Access, own.Access, created.AccessToken)
		write("oauth_access_tokens", past)
		wants(false, "the rows have ended", tok.Access, own.Access, created.AccessToken)
		write("oauth_access_tokens", future)
		wants(true, "the rows have not ended", tok.Access, own.Access, created.AccessToken)
		write("oauth_families", past)
		wants(false, "the families have ended", tok.Access, created.AccessToken)
		wants(true, "the families have ended, but the token has none", own.Access)
		if r := lasting.refresh(tok.Refresh); r.Error != "invalid_grant" {
			t.Errorf("refresh in an ended family = %d %s, want invalid_grant", r.status, r.body)
		}
		write("oauth_families", future)
		write("oauth_refresh_tokens", past)
		if r := lasting.refresh(tok.Refresh); r.Error != "invalid_grant" {
			t.Errorf("refresh with an ended row = %d %s, want invalid_grant", r.status, r.body)
		}
		write("oauth_refresh_tokens", future)
		lasting.ok(lasting.refresh(tok.Refresh))

		time.Sleep(1100 * time.Millisecond)
		if s.admits(short) {
			t.Error("the guard admits an expired JWT whose row ends later")
		}
	})
}
