package dbtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/laravel"
)

// An access token of Laravel is signed with a key that this server knows, but it is not an
// ID token: it neither names a client to the logout endpoint nor a user to the authorization
// endpoint, and UserInfo refuses it.
func TestServer_LP_2_LaravelTokensAreNoIDTokens(t *testing.T) {
	i := newImported(t, sqldb.SQLite, sqldb.SQLite)
	i.config.Now, i.config.Switch = nil, true
	i.run()
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}), func(c *passport.Config) {
		c.Store = i.store
		c.Features = append(c.Features, laravel.Compat{PublicKeys: []string{readText(t, "oauth-public.key")}, AppKeys: []string{readManifest(t).Config.AppKey}})
	})
	s.WithAccounts("1", "2", "3")
	token := readAnswers(t).AccessTokens["code_full"].Token
	if got := guardStatus(s.Guard(), token); got != http.StatusOK {
		t.Fatalf("the guard responds %d to the token, want 200: else this test proves nothing", got)
	}
	b := s.Browser().SignIn("1")
	query := url.Values{"id_token_hint": {token}, "post_logout_redirect_uri": {"https://app.example/after"}}
	a := b.Send(b.NewRequest("GET", "/oauth/logout?"+query.Encode(), "", nil))
	if a.Status != http.StatusOK || !strings.Contains(a.Body, "id_token_hint is not an ID token of this server") {
		t.Errorf("/oauth/logout with an access token of Laravel as id_token_hint = %s, want a question that says it is not an ID token", a)
	}
	c := s.Web()
	b.Authorize(c, "scope", "openid", "prompt", "none", "id_token_hint", token).WantRedirectError("invalid_request")
	if a := s.Get("/oauth/userinfo", "Authorization", "Bearer "+token); a.Status != http.StatusForbidden && a.Status != http.StatusUnauthorized {
		t.Errorf("/oauth/userinfo with an access token of Laravel = %s, want a refusal", a)
	}
}

// PostgreSQL pads a char(36) with spaces. A shorter ID of a user, such as a ULID, is the same
// in a token that is not imported yet.
func TestServer_LP_3_PaddedIDs(t *testing.T) {
	dbtest.Need(t, sqldb.Postgres)
	i := newImported(t, sqldb.Postgres, sqldb.SQLite)
	i.sql("ALTER TABLE oauth_access_tokens ALTER COLUMN user_id TYPE char(36)")
	s := laravelServer(t, i.store, laravel.Compat{DB: i.laravel, Dialect: sqldb.Postgres})
	o := newOldServer(t, i)
	o.issue()
	must(t, o.fail)
	token, _ := o.some()
	if got := guardStatus(s.Guard(), token); got != http.StatusOK {
		t.Errorf("the guard responds %d to a token of a user whose ID is padded in Laravel's row, want 200", got)
	}
}
