package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// An embedding is an application in this process that has all pages of the library.
type embedding struct {
	server
	auth  *passport.Server
	mux   *http.ServeMux
	paths []string // of the routes
	user  *passport.User
	err   error // of the application's users
}

// Handle adds a route. It implements the mux of the packages.
func (e *embedding) Handle(pattern string, handler http.Handler) {
	e.mux.Handle(pattern, handler)
	e.paths = append(e.paths, pattern)
}

// startEmbedding starts an application whose database does not respond: only the pages
// of package account need it.
func startEmbedding(t *testing.T, change ...func(*passport.Config)) *embedding {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &embedding{mux: http.NewServeMux(), user: &passport.User{ID: "1", Name: userName, Email: userEmail, AuthenticatedAt: time.Now()}}
	e.URL, e.log, e.canaries = "http://"+l.Addr().String(), &output{}, &canaries{}
	log := slog.New(slog.NewTextHandler(e.log, nil))
	keys, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	config := passport.Config{
		Issuer: e.URL, Store: new(memstore.Store), Keys: keys, Logger: log,
		Users: passport.UserFuncs{
			Current:    func(*http.Request) (*passport.User, error) { return e.user, e.err },
			ByID:       func(context.Context, string) (*passport.User, error) { return e.user, e.err },
			SignOut:    func(http.ResponseWriter, *http.Request) error { e.user, e.err = nil, oauth.ErrNotFound; return nil },
			SignInPage: "/sign-in",
		},
		Scopes:   []passport.Scope{{ID: "orders:read", Description: "See your orders"}, {ID: "orders:write", Description: "Place orders", CanChange: true}},
		Features: []passport.Feature{passport.Device{}},
	}
	for _, c := range change {
		c(&config)
	}
	if e.auth, err = passport.New(config); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", "postgres://passport@"+freeAddress(t)+"/none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	accounts, err := account.New(account.Config{DB: db, Dialect: sqlstore.Postgres, Issuer: e.URL, AccountPath: "/account", AppsPath: "/account/apps", Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dashboard.New(e.auth, dashboard.Config{Path: "/account/apps", Links: accounts.Links(), PasswordPage: "/account/security", Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	e.auth.Mount(e)
	accounts.Mount(e)
	pages.Mount(e)
	e.mux.HandleFunc("GET /callback", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>App</title><p>The app is connected.`)
	})
	serveOn(t, l, e.mux)
	return e
}

// libraryPages are pages that the binary shows only to users with many apps.
func libraryPages(t *testing.T) (*tab, []row) {
	t.Helper()
	e := startEmbedding(t)
	a := newAgent(t, &e.server)
	for i := range 25 {
		c, err := e.auth.CreateClient(t.Context(), passport.Registration{
			Name: fmt.Sprintf("App %d", i), AuthMethod: oauth.AuthNone, RedirectURIs: []string{e.URL + "/callback"}, Owner: []passport.UserRef{{}, {Provider: "users", ID: "2"}}[i%2],
		})
		if err != nil {
			t.Fatal(err)
		}
		a.submit(a.get(authorize(&e.server, c.Client.ID, e.URL+"/callback", "scope", "orders:read orders:write")), "Allow", nil)
	}
	for i := range 25 {
		if _, err := e.auth.CreateToken(t.Context(), passport.UserRef{Provider: passport.DefaultProvider, ID: "1"}, fmt.Sprintf("Token %d", i), "orders:read"); err != nil {
			t.Fatal(err)
		}
	}
	return newPerson(t, &e.server).tab(), []row{
		{"many apps", []string{"/account/apps"}, at(e.URL + "/account/apps"), "Page 1 of 2"},
		{"the second page of apps", nil, pressing("Next page"), "Page 2 of 2"},
		{"remove an app", []string{"/account/apps/remove"}, pressing("Remove App 0"), "Remove App 0?"},
		{"remove many apps", []string{"/account/apps/remove-all"}, at(e.URL + "/account/apps/remove-all"), "All 25 apps lose access"},
		{"many tokens", []string{"/account/apps/tokens"}, at(e.URL + "/account/apps/tokens"), "Page 1 of 2"},
		{"the second page of tokens", nil, pressing("Next page"), "Page 2 of 2"},
		{"revoke a token", []string{"/account/apps/tokens/revoke"}, pressing("Revoke Token 0"), "Revoke Token 0?"},
		{"new token", []string{"/account/apps/tokens/new"}, at(e.URL + "/account/apps/tokens/new?name=CI"), "A link filled in this form."},
	}
}

// faultPages are the pages of a server whose database does not respond.
func faultPages(t *testing.T) (*tab, []row) {
	t.Helper()
	e := startEmbedding(t)
	e.err = errors.New("no users today")
	e.canaries.add("password", userPassword)
	return newPerson(t, &e.server).tab(), []row{
		{"apps", nil, at(e.URL + "/account/apps"), "Something went wrong"},
		{"sign-in", nil, func(b *tab) { b.open(e.URL + "/sign-in"); b.signIn(userEmail, userPassword) }, "Please try again in a moment"},
	}
}
