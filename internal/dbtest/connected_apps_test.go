package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
)

// On each database, a user sees the connected apps, also one without a live token, and
// removes them. The tokens end at once, and the app needs a new consent.
func TestDashboard_PA_2_ConnectedApps(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		pages, err := dashboard.New(s.Server, dashboard.Config{})
		must(t, err)
		mux := http.NewServeMux()
		pages.Mount(mux)
		send := func(method, path string, form url.Values) string {
			r := httptest.NewRequest(method, oauthIssuer+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%s %s = %d %s", method, path, w.Code, w.Body)
			}
			return testkit.StyleText.ReplaceAllString(w.Body.String(), "")
		}
		has := func(when, body string, want bool, texts ...string) {
			t.Helper()
			for _, text := range texts {
				if strings.Contains(body, text) != want {
					t.Errorf("the page %s has %q: %v, want %v: %s", when, text, !want, want, body)
				}
			}
		}
		has("without an app", send("GET", "/account", nil), true, "No app can use your account")
		first, second := s.ok(s.redeem(s.code())), s.ok(s.redeem(s.code()))
		has("with an app", send("GET", "/account", nil), true, "web", "<li>Read</li>", "Access ends by")
		must(t, s.RevokeUser(t.Context(), alice))
		has("with an app without tokens", send("GET", "/account", nil), true, "web", "<li>Read</li>", "Has no access now")
		third := s.ok(s.redeem(s.code()))
		has("after the removal", send("POST", "/account/remove", url.Values{"client": {s.web.id}}), true, "<bdi>web</bdi> was removed", "No app can use your account")
		for _, tok := range []*reply{first, second, third} {
			if s.admits(tok.Access) || s.refresh(tok.Refresh).Error != "invalid_grant" {
				t.Error("a removed app still has access")
			}
		}
		if page := s.authorize("read"); page.Code != http.StatusOK {
			t.Errorf("the removed app gets %d without a consent page", page.Code)
		}
		fourth := s.ok(s.redeem(s.code()))
		has("after the removal of all", send("POST", "/account/remove-all", url.Values{"confirm": {"remove"}}), true, "1 app was removed", "No app can use your account")
		if s.admits(fourth.Access) {
			t.Error("a removed app still has access")
		}
		s.wantBlameless()
	})
}

// The list replaces the first page of package account, and both have one navigation.
func TestDashboard_PA_2_BesideAccounts(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		store := migrated(t, db, d)
		accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: oauthIssuer, AccountPath: "/account", AppsPath: "/account"})
		must(t, err)
		must(t, accounts.Migrate(t.Context()))
		u, err := accounts.Create(t.Context(), account.NewUser{Email: "ada@example.com", Name: "Ada", Password: adasPassword})
		must(t, err)
		s := newOAuthServer(t, store, func(c *passport.Config) { c.Users = accounts })
		pages, err := dashboard.New(s.Server, dashboard.Config{Links: accounts.Links()})
		must(t, err)
		mux := http.NewServeMux()
		accounts.Mount(mux)
		pages.Mount(mux)
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", oauthIssuer+"/sign-in", strings.NewReader(url.Values{"email": {u.Email}, "password": {adasPassword}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		mux.ServeHTTP(w, r)
		for path, title := range map[string]string{"/account": "Connected apps", "/account/sessions": "Where you", "/account/security": "Change your password"} {
			r := httptest.NewRequest("GET", oauthIssuer+path, nil)
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
			page := httptest.NewRecorder()
			mux.ServeHTTP(page, r)
			for _, want := range []string{title, `href="/account"`, `href="/account/sessions"`, `href="/account/security"`, `href="/sign-out"`} {
				if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
					t.Errorf("%s = %d, want %q in it: %s", path, page.Code, want, testkit.StyleText.ReplaceAllString(page.Body.String(), ""))
				}
			}
			if strings.Contains(page.Body.String(), ">Account</a>") {
				t.Errorf("%s links to a page that does not exist", path)
			}
		}
	})
	if links := new(account.Accounts).Links(); links != nil {
		t.Errorf("Links() without AccountPath = %v, want none", links)
	}
}
