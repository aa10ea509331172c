package dbtest_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Of 64 concurrent decisions with different ticks on one page, one wins on each database.
// Its scopes are those of the token, and those that are remembered.
func TestOptional_PA_1_NeverRepeat_A1_DecisionsRaceOnEachDatabase(t *testing.T) {
	optional := func(c *passport.Config) {
		c.Scopes = append(slices.Clone(c.Scopes), passport.Scope{ID: "more", Description: "More", Optional: true})
		c.Scopes[1].Optional = true
	}
	ticks := [][]string{{}, {"write"}, {"more"}, {"write", "more"}}
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		for range 4 {
			page := s.authorize("read write more")
			ticket := html.UnescapeString(ticketInPage.FindStringSubmatch(page.Body.String())[1])
			responses := make([]*httptest.ResponseRecorder, concurrency)
			var start, done sync.WaitGroup
			start.Add(1)
			for i := range responses {
				form := url.Values{"ticket": {ticket}, "decision": {"allow"}, "scope_granted": ticks[i%len(ticks)]}
				r := httptest.NewRequest("POST", oauthIssuer+"/oauth/authorize", strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				for _, cookie := range page.Result().Cookies() {
					r.AddCookie(cookie)
				}
				responses[i] = httptest.NewRecorder()
				done.Go(func() {
					start.Wait()
					s.ServeHTTP(responses[i], r)
				})
			}
			start.Done()
			done.Wait()
			codes := map[string]bool{}
			for _, w := range responses {
				codes[s.codeIn(w)] = true
			}
			if len(codes) != 1 {
				t.Fatalf("%d decisions got %d codes, want 1", concurrency, len(codes))
			}
			for code := range codes {
				row, err := s.store.AccessToken(t.Context(), tokenID(t, s.ok(s.redeem(code)).Access))
				must(t, err)
				granted, declined, err := s.store.Consented(t.Context(), row.Family.User, row.Client)
				must(t, err)
				got := slices.Sorted(slices.Values(row.Scopes))
				if all := slices.Sorted(slices.Values(slices.Concat(granted, declined))); !slices.Equal(granted, got) || !slices.Equal(all, []string{"more", "read", "write"}) {
					t.Errorf("the token has the scopes %q, and the server remembers %q and declined %q; want those of one decision", got, granted, declined)
				}
			}
			must(t, s.Withdraw(t.Context(), oauth.UserRef{Provider: passport.DefaultProvider, ID: "alice"}, s.web.id))
		}
		if w := s.authorize("read write more"); w.Code != http.StatusOK || !ticketInPage.MatchString(w.Body.String()) {
			t.Errorf("after Withdraw() = %d, want the consent page", w.Code)
		}
		s.wantBlameless()
	}, optional)
}

// A node of a version without declined scopes grants none of them: it finds no row with
// the scope. If it removes the app, it forgets the declined ones too.
func TestMigrate_PA_1_DeclinedScopesOnAnOlderNode(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := migrated(t, db, d)
		c, f := newClient("client"), newFamily("first")
		must(t, s.CreateClient(t.Context(), c, nil))
		f.ClientID = c.ID
		must(t, s.IssueCode(t.Context(), newCodeIssuance(f, "read", "write")))
		later := newFamily("second")
		later.ClientID, later.CreatedAt = c.ID, f.CreatedAt.Add(1e9)
		b := newCodeIssuance(later)
		b.Declined = []string{"write", strings.Repeat("x", 255)}
		must(t, s.IssueCode(t.Context(), b))

		found := column(t, db, `SELECT DISTINCT n.scope FROM oauth_consents n WHERE n.provider = 'users' AND n.user_id = 'alice' AND n.client_id = 'client' ORDER BY n.scope`)
		names := slices.DeleteFunc(slices.Clone(found), func(name string) bool { return strings.Contains(name, " ") })
		if !slices.Equal(names, []string{"read"}) || len(found) != 3 {
			t.Errorf("an older node finds the names %q, want read and two with a space", found)
		}
		mustExec(t, db, `DELETE FROM oauth_consents WHERE provider = 'users' AND user_id = 'alice' AND client_id = 'client'`)
		granted, declined, err := s.Consented(t.Context(), alice, c)
		if err != nil || len(granted)+len(declined) != 0 {
			t.Errorf("Consented() after an older node removed the app = %q, declined %q, %v, want none", granted, declined, err)
		}
	})
}
