// Command nethttp embeds Passport in an application over net/http, with its
// records in SQLite.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/sqlstore"
)

// The application already has these.
var (
	currentUser = shop.CurrentUser
	findUser    = shop.FindUser
	orders      = http.HandlerFunc(listOrders)
)

func listOrders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*shop.Customer](r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(customer.Orders())
}

// application returns the application's handler. The lines between the two comments
// are the README's quick start.
func application(ctx context.Context, db *sql.DB) (http.Handler, *passport.Server) {
	mux := http.NewServeMux()
	mux.Handle("/login", shop.SignInPage)

	// Here Passport begins.
	store := sqlstore.New(db, sqlstore.SQLite) // or sqlstore.Postgres, sqlstore.MySQL
	keys, err := passport.LoadKeys("storage")  // written by `passport keys`
	if err = errors.Join(err, store.Migrate(ctx)); err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(passport.Config{
		Issuer: "http://127.0.0.1:8080", Store: store, Keys: keys,
		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser, SignInPage: "/login"},
		Scopes: []passport.Scope{{ID: "check-status", Description: "Check order status"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	auth.Mount(mux)
	mux.Handle("GET /api/orders", auth.Guard(guard.Scopes("check-status"))(orders))
	// Here it ends.

	mux.Handle("GET /api/stock", auth.GuardClient()(http.HandlerFunc(stock)))
	return mux, auth
}

// stock is for machines: it requires a client's own token.
func stock(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte("Hello, " + guard.TokenFrom(r.Context()).Client.Name + ": 42 espresso machines are in stock.\n"))
}

func main() {
	// Does the same as `passport keys`, so that the example needs no preparation.
	if err := passport.WriteKeys("storage", "", 0, false); err != nil && !errors.Is(err, fs.ErrExist) {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("shop.db"))
	if err != nil {
		log.Fatal(err)
	}
	handler, auth := application(context.Background(), db)
	shop.PrintClient(auth)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", handler))
}
