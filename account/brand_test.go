package account_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/sqlstore"
)

const brandLogo = `<svg xmlns="http://www.w3.org/2000/svg"/>`

// PA-0, PG-03: the sign-in pages have the operator's name, logo, colour and links, and
// serve the logo.
func TestBrand_PA_0_OnSignInPages(t *testing.T) {
	a, err := account.New(account.Config{
		DB: sql.OpenDB(noDatabase{}), Dialect: sqlstore.SQLite, Issuer: "https://auth.example.com/sub",
		Brand: passport.Brand{Name: "The Shop", Logo: []byte(brandLogo), LogoDark: []byte(brandLogo + " "), Accent: "#0b6e4f", TermsURL: "https://example.com/terms"},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.Mount(mux)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://auth.example.com"+path, nil))
		return w
	}
	body := get("/sub/sign-in").Body.String()
	for _, want := range []string{
		"<title>Sign in · The Shop</title>", "<span>The Shop</span>", "--accent: #0b6e4f", `<a href="https://example.com/terms">Terms</a>`, `<source srcset="/sub/sign-in/logo-dark-`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the sign-in page lacks %s:\n%s", want, body)
		}
	}
	logo := regexp.MustCompile(`<img class="logo" src="([^"]+)"`).FindStringSubmatch(body)
	if logo == nil {
		t.Fatalf("the sign-in page has no logo:\n%s", body)
	}
	if w := get(logo[1]); w.Code != http.StatusOK || w.Body.String() != brandLogo {
		t.Errorf("GET %s = %d %q, want the logo", logo[1], w.Code, w.Body)
	}
	_, err = account.New(account.Config{DB: sql.OpenDB(noDatabase{}), Dialect: sqlstore.SQLite, Issuer: "https://auth.example.com", Brand: passport.Brand{Accent: "#fff"}})
	if err == nil || !strings.Contains(err.Error(), "account: Config.Brand.Accent") {
		t.Errorf("New() with a white accent = %v, want an error about it", err)
	}
}
