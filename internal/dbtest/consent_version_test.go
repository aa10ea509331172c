package dbtest_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// secondVersion creates the tables of the second version only.
func secondVersion(t *testing.T, db *sql.DB, d sqldb.Dialect) {
	t.Helper()
	firstVersion(t, db, d)
	files := fstest.MapFS{}
	for _, name := range []string{"0001_oauth.sql", secondMigration} {
		content, err := fs.ReadFile(sqlstore.Migrations(d), name)
		must(t, err)
		files[name] = &fstest.MapFile{Data: content}
	}
	must(t, sqldb.New(db, d).Migrate(t.Context(), "oauth", files, []string{"oauth_clients"}))
}

// Statements of a node with the second version.
const (
	secondInsertsClient = `INSERT INTO oauth_clients (id, client_key, name, owner_provider, owner_id, auth_method, provider, redirect_uris, grant_types, scopes,
access_token_ttl, refresh_token_ttl, family_ttl, ends_with_session, attributes, created_at, updated_at, suspended_at, revoked_at, version)
VALUES ('%s', NULL, 'Client', '%s', '%s', 'none', '', 'https://a.example/cb', 'authorization_code', NULL, NULL, NULL, NULL, 0, NULL, 1, NULL, NULL, NULL, 0)`
	secondInsertsConsent = `INSERT INTO oauth_consents (provider, user_id, client_id, scope, granted_at) VALUES ('users', 'alice', '%s', '%s', 2)`
	secondRenamesClient  = `UPDATE oauth_clients SET name = 'Renamed', version = version + 1 WHERE id = '%s' AND version = 0`
)

// Consents of the older version count for clients that an administrator created, until
// consent pages would show something else. They don't count for other clients. Nodes of
// the older version continue to write.
func TestMigrate_FR_01_ConsentsOfTheOlderVersion(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		secondVersion(t, db, d)
		write := func(suffix string) {
			mustExec(t, db, fmt.Sprintf(secondInsertsClient, "plain"+suffix, "", ""))
			mustExec(t, db, fmt.Sprintf(secondInsertsClient, "owned"+suffix, "users", "bob"))
			mustExec(t, db, fmt.Sprintf(secondInsertsConsent, "plain"+suffix, "read"))
			mustExec(t, db, fmt.Sprintf(secondInsertsConsent, "owned"+suffix, "read"))
		}
		write(" 1")
		s := sqlstore.New(db, d)
		must(t, s.Migrate(t.Context()))
		must(t, s.Check(t.Context()))
		write(" 2")
		check := func(id string, version int64, want ...string) *oauth.Client {
			t.Helper()
			c, err := s.Client(t.Context(), id)
			must(t, err)
			scopes, _, err := s.Consented(t.Context(), alice, c)
			if err != nil || c.ConsentVersion != version || !slices.Equal(scopes, want) {
				t.Errorf("client %q: ConsentVersion = %d with the consents %q, %v, want %d and %q", id, c.ConsentVersion, scopes, err, version, want)
			}
			return c
		}
		for _, suffix := range []string{" 1", " 2"} {
			check("owned"+suffix, 0)
			c := check("plain"+suffix, 0, "read")
			c.AccessTokenTTL = 1e9
			must(t, s.UpdateClient(t.Context(), c, nil))
			c = check(c.ID, 0, "read")
			c.RedirectURIs = []string{"https://evil.example/cb"}
			must(t, s.UpdateClient(t.Context(), c, nil))
			check(c.ID, 1)
			mustExec(t, db, fmt.Sprintf(secondInsertsConsent, c.ID, "late")) // a consent for an unknown page of an old node
			check(c.ID, 1)

			owned, f := check("owned"+suffix, 0), newFamily("new"+suffix)
			f.ClientID = owned.ID
			must(t, s.IssueCode(t.Context(), newCodeIssuance(f, "write")))
			check(owned.ID, 0, "write") // a consent with the number 0 differs from one without a number
			mustExec(t, db, fmt.Sprintf(secondRenamesClient, owned.ID))
			check(owned.ID, 0, "write") // a node of the older version does not count
		}
	})
}

// Clients of the older version are not APIs, including those that its nodes create
// while they still run. A change by such a node keeps the audience and the origins.
func TestMigrate_FR_30_AudiencesAndOriginsOfTheOlderVersion(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		secondVersion(t, db, d)
		mustExec(t, db, fmt.Sprintf(secondInsertsClient, "before", "", ""))
		s := sqlstore.New(db, d)
		must(t, s.Migrate(t.Context()))
		mustExec(t, db, fmt.Sprintf(secondInsertsClient, "after", "", ""))
		for _, id := range []string{"before", "after"} {
			c, err := s.Client(t.Context(), id)
			if err != nil || c.Audience != "" || c.AllowedOrigins != nil {
				t.Fatalf("Client(%q) of the older version = %+v, %v, want no audience and no origins", id, c, err)
			}
			must(t, s.Issue(t.Context(), newIssuance(c, nil, "token "+id, oauth.Spend{})))
			mustExec(t, db, fmt.Sprintf(secondRenamesClient, id))
			c.Version++
			c.Audience, c.AllowedOrigins = "https://api.example/"+id, []string{"tauri://localhost"}
			must(t, s.UpdateClient(t.Context(), c, nil))
			mustExec(t, db, fmt.Sprintf(`UPDATE oauth_clients SET name = 'Renamed again', version = version + 1 WHERE id = '%s'`, id))
			token, err := s.AccessToken(t.Context(), "token "+id)
			if err != nil || token.Client.Audience != c.Audience || !slices.Equal(token.Client.AllowedOrigins, c.AllowedOrigins) || token.Client.Name != "Renamed again" {
				t.Errorf("client of the token of %q = %+v, %v, want it renamed, with the audience %q and the origins %q", id, token.Client, err, c.Audience, c.AllowedOrigins)
			}
		}
	})
}

// Changes of a client's redirect URI race decisions on its consent page, which showed
// the host of the first one. No code goes to another host, with or without a page.
func TestServer_FR_01_FR_02_UpdatesRaceAllow(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		s.web = s.register(passport.Registration{Name: "racing", RedirectURIs: []string{"https://app.example.com/cb"}})
		pages := make([]*httptest.ResponseRecorder, concurrency/2)
		for i := range pages {
			pages[i] = s.authorizeUnnamed()
		}
		var start, done sync.WaitGroup
		start.Add(1)
		for i, page := range pages {
			done.Go(func() {
				start.Wait()
				s.move(fmt.Sprintf("https://%d.example/cb", i))
			})
			done.Go(func() {
				start.Wait()
				for _, w := range []*httptest.ResponseRecorder{s.allow(page), s.authorizeUnnamed()} {
					if target := targetOf(w); target != "" && !strings.HasPrefix(target, "https://app.example.com/cb?code=") {
						t.Errorf("the page showed app.example.com, but the browser goes to %q", target)
					}
				}
			})
		}
		start.Done()
		done.Wait()
		if page := s.authorizeUnnamed(); targetOf(page) != "" || !ticketInPage.MatchString(page.Body.String()) {
			t.Errorf("after the changes the browser goes to %q without a page", targetOf(page))
		}
		s.wantBlameless()
	})
}

// authorizeUnnamed sends a request for the scope read without a redirect URI.
func (s *oauthServer) authorizeUnnamed() *httptest.ResponseRecorder {
	sum := sha256.Sum256([]byte(oauthVerifier))
	q := url.Values{
		"client_id": {s.web.id}, "response_type": {"code"}, "scope": {"read"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", oauthIssuer+"/oauth/authorize?"+q.Encode(), nil))
	return w
}

// move replaces the redirect URIs of the client.
func (s *oauthServer) move(uri string) {
	for {
		c, err := s.store.Client(s.t.Context(), s.web.id)
		if err == nil {
			c.RedirectURIs = []string{uri}
			err = s.UpdateClient(s.t.Context(), c)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, oauth.ErrConflict) {
			s.t.Errorf("UpdateClient() = %v, want nil or ErrConflict", err)
			return
		}
	}
}

// targetOf returns where a response sends the browser; empty for a page.
func targetOf(w *httptest.ResponseRecorder) string {
	if m := targetInPage.FindStringSubmatch(w.Body.String()); m != nil {
		return html.UnescapeString(m[1])
	}
	return w.Header().Get("Location")
}

// MySQL keeps the statements of a migration that failed. The next run continues from
// there.
func TestMigrate_ThirdVersionHalfWay(t *testing.T) {
	up, _ := halves(t, sqldb.MySQL, thirdMigration)
	for k := range len(up) + 1 {
		t.Run(fmt.Sprintf("mysql, %d statements done", k), func(t *testing.T) {
			db := dbtest.Open(t, sqldb.MySQL)
			secondVersion(t, db, sqldb.MySQL)
			mustExec(t, db, `INSERT INTO passport_migrations (set_name, name, begun_at) VALUES ('oauth', '`+thirdMigration+`', 1)`)
			for _, statement := range up[:k] {
				mustExec(t, db, statement)
			}
			s := sqlstore.New(db, sqldb.MySQL)
			for range 2 {
				must(t, s.Migrate(t.Context()))
			}
			must(t, s.Check(t.Context()))
		})
	}
}
