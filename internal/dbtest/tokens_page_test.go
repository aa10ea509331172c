package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/testkit"
)

var (
	onceField     = regexp.MustCompile(`name="once" value="([^"]+)"`)
	personalToken = regexp.MustCompile(`passport_pat_[A-Z2-7]{59}`)
)

// On each database, a user of package account enters the password again before a new
// token. Neither a session that was left open nor a link in an email is enough.
func TestTokens_PA_4_PA_7_F4_WithAccounts(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		store := migrated(t, db, d)
		accounts, err := account.New(account.Config{DB: db, Dialect: d, Issuer: oauthIssuer, AccountPath: "/account", AppsPath: "/account", TokensPath: "/account/tokens"})
		must(t, err)
		must(t, accounts.Migrate(t.Context()))
		u, err := accounts.Create(t.Context(), account.NewUser{Email: "ada@example.com", Name: "Ada", Password: adasPassword})
		must(t, err)
		s := newOAuthServer(t, store, func(c *passport.Config) { c.Users = accounts })
		accounts.Connect(s.Server)
		pages, err := dashboard.New(s.Server, dashboard.Config{Links: accounts.Links()})
		must(t, err)
		mux := http.NewServeMux()
		accounts.Mount(mux)
		pages.Mount(mux)
		jar := map[string]*http.Cookie{}
		send := func(method, path string, form url.Values) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, oauthIssuer+strings.TrimPrefix(path, oauthIssuer), strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			for _, c := range jar {
				r.AddCookie(c)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			for _, c := range w.Result().Cookies() {
				jar[c.Name] = c
			}
			return w
		}
		shows := func(w *httptest.ResponseRecorder, status int, texts ...string) *httptest.ResponseRecorder {
			t.Helper()
			for _, text := range texts {
				if w.Code != status || !strings.Contains(w.Body.String(), text) {
					t.Fatalf("the page has the status %d, want %d with %q: %s", w.Code, status, text, testkit.StyleText.ReplaceAllString(w.Body.String(), ""))
				}
			}
			return w
		}
		leads := func(w *httptest.ResponseRecorder) string {
			t.Helper()
			if w.Code != http.StatusSeeOther {
				t.Fatalf("the page has the status %d, want a redirect: %s", w.Code, w.Body)
			}
			return w.Header().Get("Location")
		}
		age := func() {
			_, err := db.ExecContext(t.Context(), `UPDATE passport_sessions SET authenticated_at = authenticated_at - 660000000`)
			must(t, err)
		}
		leads(send("POST", "/sign-in", url.Values{"email": {u.Email}, "password": {adasPassword}}))
		shows(send("GET", "/account/security", nil), 200, `<a href="/account/tokens">Tokens</a>`)
		shows(send("GET", "/account/tokens/new", nil), 200, "New token")
		age()
		back := leads(send("POST", "/account/tokens/new", url.Values{"name": {"CI job"}, "expiry": {"7"}}))
		shows(send("GET", back, nil), 200, "Confirm it’s you", "<strong>Ada</strong><span>ada@example.com</span>", `value="ada@example.com"`, "Use another account")
		u2, err := url.Parse(back)
		must(t, err)
		returnTo := u2.Query().Get("return_to")
		confirm := func(password string) *httptest.ResponseRecorder {
			return send("POST", "/sign-in", url.Values{"email": {u.Email}, "password": {password}, "return_to": {returnTo}})
		}
		shows(confirm("a wrong password"), 422, "Confirm it’s you", "That is not your password.", `value="ada@example.com"`)
		shows(confirm(""), 422, "Confirm it’s you", "Enter your password.")
		shows(send("GET", returnTo, nil), 403, "We couldn’t confirm that it’s you") // a way around the page
		if to := leads(confirm(adasPassword)); to != returnTo {
			t.Fatalf("after the password the browser goes to %q, want %q", to, returnTo)
		}
		filled := shows(send("GET", returnTo, nil), 200, "The token isn’t created yet", `value="CI job"`)

		ref := passport.UserRef{Provider: passport.DefaultProvider, ID: u.ID}
		form := url.Values{"name": {"CI job"}, "expiry": {"7"}, "scope": {"read"}, "once": {testkit.First(onceField, filled.Body.String())}}
		done := shows(send("POST", "/account/tokens/new", form), 200, "Your new token")
		created := personalToken.FindString(done.Body.String())
		shows(send("POST", "/account/tokens/new", form), 200, "This form was sent before.", "passport_pat_…"+created[len(created)-4:])
		all, err := s.PersonalTokens(t.Context(), ref)
		if err != nil || len(all) != 1 || !s.admits(created) {
			t.Fatalf("PersonalTokens() = %v, %v, want one token that works", all, err)
		}
		shows(send("POST", "/account/tokens/revoke", url.Values{"token_id": {all[0].ID}}), 200, "was revoked")
		if s.admits(created) {
			t.Error("the revoked token still works")
		}

		age()
		link, err := accounts.ResetLink(t.Context(), u.ID)
		must(t, err)
		_, token, _ := strings.Cut(link.URL, "token=")
		shows(send("POST", "/set-password", url.Values{"token": {token}, "new_password": {"another password"}, "confirm_password": {"another password"}}), 200, "Your password is changed")
		shows(send("GET", leads(send("GET", "/account/tokens/new", nil)), nil), 200, "Sign in to ") // a link opens no session
		if all, err := s.PersonalTokens(t.Context(), ref); err != nil || len(all) != 0 {
			t.Errorf("PersonalTokens() = %v, %v, want none", all, err)
		}
	})
}
