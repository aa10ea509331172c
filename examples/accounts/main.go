// Command accounts is an application without its own accounts: package account has
// the accounts, sign-in pages and sessions.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/account"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

func application(ctx context.Context, db *sql.DB, keys *passport.Keys) (http.Handler, *passport.Server, error) {
	store := sqlstore.New(db, sqlstore.SQLite)
	accounts, err := account.New(account.Config{
		DB: db, Dialect: sqlstore.SQLite, Issuer: shop.Issuer, AccountPath: "/account",
	})
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(store.Migrate(ctx), accounts.Migrate(ctx)); err != nil {
		return nil, nil, err
	}
	auth, err := passport.New(passport.Config{
		Issuer: shop.Issuer, Store: store, Keys: keys, Users: accounts, Scopes: shop.Scopes,
	})
	if err != nil {
		return nil, nil, err
	}
	accounts.Connect(auth) // a changed password revokes the tokens of apps

	_, err = accounts.Create(ctx, account.NewUser{Email: "ada@example.com", Name: "Ada", Password: "correct horse"})
	if err != nil && !errors.Is(err, oauth.ErrConflict) {
		return nil, nil, err
	}

	mux := http.NewServeMux()
	auth.Mount(mux)
	accounts.Mount(mux) // /sign-in, /sign-out and the pages below /account
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { home(w, r, accounts) })
	mux.Handle("GET /api/user", auth.Guard()(http.HandlerFunc(user)))
	mux.Handle("GET /api/stock", auth.GuardClient()(http.HandlerFunc(stock)))
	return mux, auth, nil
}

// home is a page for a signed-in user.
func home(w http.ResponseWriter, r *http.Request, accounts *account.Accounts) {
	u, err := accounts.CurrentUser(r)
	if errors.Is(err, oauth.ErrNotFound) {
		http.Redirect(w, r, accounts.SignInURL(r, "/"), http.StatusSeeOther)
		return
	}
	if err != nil {
		http.Error(w, "Please try again later.", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "Hello, %s.\n", u.Name)
}

// user serves a guarded route. Data is an *account.User.
func user(w http.ResponseWriter, r *http.Request) {
	u, _ := passport.UserFromContext[*account.User](r.Context())
	fmt.Fprintln(w, u.Email)
}

func stock(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello, %s: 42 espresso machines are in stock.\n", guard.TokenFrom(r.Context()).Client.Name)
}

func main() {
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("accounts.db"))
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
