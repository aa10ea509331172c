package dbtest_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// click returns the request that decides the consent page in a recorded response.
func click(page *httptest.ResponseRecorder, decision string) *http.Request {
	ticket := ticketInPage.FindStringSubmatch(page.Body.String())[1]
	form := url.Values{"ticket": {html.UnescapeString(ticket)}, "decision": {decision}}
	r := httptest.NewRequest("POST", oauthIssuer+"/oauth/authorize", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range page.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return r
}

// Of 64 concurrent clicks on Allow and Deny of one page, one wins on each database:
// there is one token or none, and the ticket is used once. A revocation ends the token.
func TestImplicit_NeverRepeat_A1_AllowRacesDenyOnEachDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.EnableImplicitGrant = true })
		board := s.register(passport.Registration{
			Name: "board", AuthMethod: oauth.AuthNone, GrantTypes: []string{"implicit"}, RedirectURIs: []string{"https://app.example.com/cb"},
		})
		q := url.Values{"client_id": {board.id}, "response_type": {"token"}, "scope": {"read"}, "prompt": {"consent"}}
		stored := 0
		for round := range 4 {
			page := httptest.NewRecorder()
			s.ServeHTTP(page, httptest.NewRequest("GET", oauthIssuer+"/oauth/authorize?"+q.Encode(), nil))
			responses := make([]*httptest.ResponseRecorder, concurrency)
			var start, done sync.WaitGroup
			start.Add(1)
			for i := range responses {
				decision := "allow"
				if round%2 == 1 && i%2 == 1 {
					decision = "deny"
				}
				responses[i] = httptest.NewRecorder()
				r := click(page, decision)
				done.Go(func() {
					start.Wait()
					s.ServeHTTP(responses[i], r)
				})
			}
			start.Done()
			done.Wait()
			tokens, denials := []string{}, 0
			for _, w := range responses {
				target := html.UnescapeString(first(targetInPage.FindStringSubmatch(w.Body.String())))
				_, fragment, _ := strings.Cut(target, "#")
				params, err := url.ParseQuery(fragment)
				must(t, err)
				switch {
				case params.Has("access_token"):
					tokens = append(tokens, params.Get("access_token"))
				case params.Get("error") == "access_denied":
					denials++
				case w.Code != http.StatusConflict:
					t.Errorf("a click = %d to %q, want 409", w.Code, target)
				}
			}
			if len(tokens) > 1 || len(tokens) == 1 && denials > 0 || len(tokens) == 0 && denials == 0 {
				t.Errorf("round %d: %d tokens and %d denials, want one winner", round, len(tokens), denials)
			}
			stored += len(tokens)
			for _, token := range tokens {
				if !s.admits(token) {
					t.Error("the guard refuses the token of the winning click")
				}
			}
			must(t, s.RevokeUser(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: "alice"}))
			for _, token := range tokens {
				if s.admits(token) {
					t.Error("the guard admits a token after RevokeUser()")
				}
			}
		}
		var rows int
		must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM oauth_access_tokens").Scan(&rows))
		if rows != stored {
			t.Errorf("%d tokens stored, but %d returned to clients", rows, stored)
		}
		s.wantBlameless()
	})
}

func first(match []string) string {
	if match == nil {
		return ""
	}
	return match[1]
}
