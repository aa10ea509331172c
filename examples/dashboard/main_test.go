package main

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/internal/try"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/sqlstore"
)

func TestMounted(t *testing.T) {
	app, auth := start(t)
	t.Run("machines", func(t *testing.T) { try.Machines(t, app, auth) })
	t.Run("customers", func(t *testing.T) { try.Customers(t, app, auth, "/api/orders", "check-status") })
}

// A customer removes an app on a page in the shop's layout. The app loses access.
func TestConnectedApps_PA_2(t *testing.T) {
	app, auth := start(t)
	try.Customers(t, app, auth, "/api/orders", "check-status")
	send := sender(app)
	if w := send(http.MethodGet, "/account/apps", "", nil); w.Header().Get("Location") != "/login?return_to=%2Faccount%2Fapps" {
		t.Errorf("without a customer the page leads to %q, want the sign-in page", w.Header().Get("Location"))
	}
	cookie, _, _ := strings.Cut(send(http.MethodPost, "/login", "", url.Values{"customer": {"1"}}).Header().Get("Set-Cookie"), ";")
	list := send(http.MethodGet, "/account/apps", cookie, nil).Body.String()
	for _, want := range []string{"<a href=\"/\">The Shop</a> · Ada", "Order Tracker", "Check order status", "/shop.css", `<a href="/account">Account</a>`} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q: %s", want, list)
		}
	}
	if own := send(http.MethodGet, "/account", cookie, nil).Body.String(); !strings.Contains(own, "Hello, Ada") {
		t.Errorf("the shop's own page has changed: %s", own)
	}
	apps, err := auth.ConnectedApps(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "1"})
	if err != nil || len(apps) != 1 {
		t.Fatalf("ConnectedApps() = %v, %v, want one app", apps, err)
	}
	done := send(http.MethodPost, "/account/apps/remove", cookie, url.Values{"client": {apps[0].Client.ID}})
	if done.Code != http.StatusOK || !strings.Contains(done.Body.String(), "Order Tracker</bdi> was removed") {
		t.Errorf("the form gets %d %s", done.Code, done.Body)
	}
	if apps, err := auth.ConnectedApps(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "1"}); err != nil || len(apps) != 0 {
		t.Errorf("ConnectedApps() = %v, %v, want none", apps, err)
	}
}

// A customer creates a token on a page in the shop's layout, and uses it. The page asks
// for a new sign-in if the last one was a while ago.
func TestTokens_PA_4(t *testing.T) {
	app, auth := start(t)
	send := sender(app)
	cookie, _, _ := strings.Cut(send(http.MethodPost, "/login", "", url.Values{"customer": {"1"}}).Header().Get("Set-Cookie"), ";")
	form := send(http.MethodGet, "/account/apps/tokens/new", cookie, nil).Body.String()
	for _, want := range []string{"<a href=\"/\">The Shop</a> · Ada", "Check order status", `href="/account/apps/tokens" aria-current="page"`, `href="/account"`} {
		if !strings.Contains(form, want) {
			t.Errorf("the form lacks %q: %s", want, form)
		}
	}
	once := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(form)
	if once == nil {
		t.Fatalf("the form has no one-time value: %s", form)
	}
	values := url.Values{"name": {"Backup"}, "scope": {"check-status"}, "expiry": {"7"}, "once": {once[1]}}
	done := send(http.MethodPost, "/account/apps/tokens/new", cookie, values).Body.String()
	token := regexp.MustCompile(`passport_pat_[A-Z2-7]+`).FindString(done)
	r := httptest.NewRequest(http.MethodGet, shop.Issuer+"/api/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	if app.ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "The orders of Ada.") {
		t.Errorf("the API responds with %d %s to the token, want the orders of Ada: %s", w.Code, w.Body, done)
	}
	if tokens, err := auth.PersonalTokens(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "1"}); err != nil || len(tokens) != 1 {
		t.Errorf("PersonalTokens() = %v, %v, want one token", tokens, err)
	}
}

// sender returns a function that sends a request of one of the shop's pages.
func sender(app http.Handler) func(method, path, cookie string, form url.Values) *httptest.ResponseRecorder {
	return func(method, path, cookie string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, shop.Issuer+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
}

func start(t *testing.T) (http.Handler, *passport.Server) {
	t.Helper()
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN(filepath.Join(t.TempDir(), "shop.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	app, auth, err := application(t.Context(), db, keys)
	if err != nil {
		t.Fatal(err)
	}
	return app, auth
}
