// Command dashboard is an application with its own customers and its own layout. Its
// account page is /account; the connected apps are beside it, at /account/apps, and the
// personal access tokens at /account/apps/tokens.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"html/template"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// layout is the layout of the shop's pages. It has a head and a content.
//
//go:embed layout.html
var layout string

// css is the shop's style sheet. The buttons of the dashboard use --accent.
const css = `:root { --accent: #8a2b57 }
body { margin: 0; font: 1rem/1.5 Georgia, serif; color: #222; background: #fffdf8 }
body > header { padding: 1rem; background: #222; color: #fff }
body > header a { color: #fff }
main { padding: 1rem }`

func application(ctx context.Context, db *sql.DB, keys *passport.Keys) (http.Handler, *passport.Server, error) {
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(ctx); err != nil {
		return nil, nil, err
	}
	auth, err := passport.New(passport.Config{
		Issuer: shop.Issuer, Store: store, Keys: keys, Users: shop.Users, Scopes: shop.Scopes,
	})
	if err != nil {
		return nil, nil, err
	}
	pages, err := dashboard.New(auth, dashboard.Config{
		Path:   "/account/apps",
		Links:  []dashboard.Link{{Text: "Account", URL: "/account"}},
		Layout: template.Must(template.New("layout").Parse(layout)),
	})
	if err != nil {
		return nil, nil, err
	}

	mux := http.NewServeMux()
	auth.Mount(mux)
	pages.Mount(mux)
	mux.Handle("/login", shop.SignInPage)
	mux.HandleFunc("GET /account", account)
	mux.HandleFunc("GET /shop.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(css))
	})
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(http.HandlerFunc(orders)))
	mux.Handle("GET /api/stock", auth.GuardClient()(http.HandlerFunc(stock)))
	return mux, auth, nil
}

var accountPage = template.Must(template.New("account").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Your account</title>
<h1>Hello, {{.Name}}</h1><p><a href="/account/apps">Connected apps</a> · <a href="/account/apps/tokens">Tokens</a></p></html>`))

// account is the shop's own page.
func account(w http.ResponseWriter, r *http.Request) {
	customer, err := shop.CurrentUser(r)
	if errors.Is(err, oauth.ErrNotFound) {
		http.Redirect(w, r, "/login?return_to=/account", http.StatusSeeOther)
		return
	}
	if err != nil {
		http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
		return
	}
	_ = accountPage.Execute(w, customer)
}

func orders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*shop.Customer](r.Context())
	_, _ = w.Write([]byte("The orders of " + customer.Name + ".\n"))
}

// stock is for machines: it requires a client's own token.
func stock(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte("Hello, " + guard.TokenFrom(r.Context()).Client.Name + ": 42 espresso machines are in stock.\n"))
}

func main() {
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("dashboard.db"))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := passport.GenerateKeys() // for a trial: passport.LoadKeys otherwise
	if err != nil {
		log.Fatal(err)
	}
	handler, auth, err := application(context.Background(), db, keys)
	if err != nil {
		log.Fatal(err)
	}
	shop.PrintClient(auth)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", handler))
}
