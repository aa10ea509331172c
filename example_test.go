package passport_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// The example application already has a database, a mux, a handler, customers who
// sign in, and a sign-in page.
var (
	ctx    context.Context
	db     *sql.DB
	mux    = http.NewServeMux()
	orders = http.HandlerFunc(listOrders)
)

// Customer is an account of the application.
type Customer struct{ ID, Name string }

func customerOfSession(*http.Request) (*Customer, time.Time, error) {
	return nil, time.Time{}, sql.ErrNoRows
}

func customerByID(_ context.Context, id string) (*Customer, error) {
	if id != "42" {
		return nil, sql.ErrNoRows
	}
	return &Customer{ID: id, Name: "Ada"}, nil
}

// currentUser returns the signed-in user of the browser that sent r.
func currentUser(r *http.Request) (*passport.User, error) {
	customer, signedInAt, err := customerOfSession(r)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &passport.User{ID: customer.ID, Name: customer.Name, AuthenticatedAt: signedInAt, Data: customer}, nil
}

// findUser returns an account that exists and is not disabled.
func findUser(ctx context.Context, id string) (*passport.User, error) {
	customer, err := customerByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &passport.User{ID: customer.ID, Name: customer.Name, Data: customer}, nil
}

// listOrders serves a guarded route.
func listOrders(w http.ResponseWriter, r *http.Request) {
	customer, _ := passport.UserFromContext[*Customer](r.Context()) // what findUser put into Data
	token := guard.TokenFrom(r.Context())
	json.NewEncoder(w).Encode(map[string]any{
		"customer":  customer.Name,
		"app":       token.Client.Name,
		"may_order": token.Can("place-orders"),
	})
}

// A complete setup. db, mux and orders are the application's, and so are currentUser
// and findUser, which tell the server about its accounts.
func ExampleNew() {
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
}

// New reports all faults of a configuration at once, each with its remedy.
func ExampleNew_faults() {
	_, err := passport.New(passport.Config{
		Issuer: "http://app.example.com/",
		Users:  passport.UserFuncs{Current: currentUser, ByID: findUser},
		Scopes: []passport.Scope{{ID: "check-status"}, {ID: "check-status"}},
	})
	fmt.Println(err)
	// Output:
	// passport: Config.Issuer "http://app.example.com/": remove the trailing slash; clients compare the issuer byte by byte; write "http://app.example.com"
	// passport: Config.Issuer "http://app.example.com/": use https; without it, attackers can read tokens. For a trial in a closed network set InsecureAllowHTTP
	// passport: Config.Store is missing: use sqlstore.New(db, dialect), or new(memstore.Store) for a trial
	// passport: Config.Keys is missing: create keys with `passport keys` and load them with passport.LoadKeys(dir) or passport.KeysFromEnv(), or use passport.GenerateKeys() for a trial
	// passport: Config.Users: UserFuncs.SignInPage is missing or not a URL: set the address of the application's sign-in page, such as "/login"; it gets the query parameter return_to
	// passport: Config.Scopes lists "check-status" twice: remove one
}
