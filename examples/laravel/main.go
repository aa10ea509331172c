// Command laravel takes over the API and the endpoints of a Laravel application: its users
// stay in Laravel's table, and the tokens of Laravel Passport keep working.
//
// Import them first, with `passport import laravel`; see
// docs/moving-from-laravel-passport.md.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"

	_ "modernc.org/sqlite" // or github.com/go-sql-driver/mysql, github.com/jackc/pgx/v5/stdlib

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/laravel"
	"github.com/go-passport/passport/sqlstore"
)

// Settings are what the application takes from Laravel.
type Settings struct {
	AppKey    string // APP_KEY in .env
	PublicKey string // the text of storage/oauth-public.key
	Beside    bool   // Laravel still issues tokens: this application only guards its API
}

// application returns the handler. old is Laravel's database, with its users. db is the
// database of this server: both have tables with the name oauth_clients.
func application(ctx context.Context, old, db *sql.DB, s Settings) (http.Handler, error) {
	users := &Users{db: old}
	store := sqlstore.New(db, sqlstore.SQLite) // or sqlstore.MySQL, sqlstore.Postgres
	keys, err := passport.LoadKeys("storage")  // new keys: Laravel's key only verifies
	if err = errors.Join(err, store.Migrate(ctx)); err != nil {
		return nil, err
	}
	compat := laravel.Compat{AppKeys: []string{s.AppKey}, PublicKeys: []string{s.PublicKey}}
	if s.Beside {
		compat.DB, compat.Dialect = old, sqlstore.SQLite
	}
	auth, err := passport.New(passport.Config{
		Issuer: "http://127.0.0.1:8080", Store: store, Keys: keys,
		Users:          passport.UserFuncs{Current: users.Current, ByID: users.ByID, SignInPage: "/login"},
		Scopes:         []passport.Scope{{ID: "place-orders", Description: "Place orders"}, {ID: "check-status", Description: "Check order status"}},
		NumericUserIDs: true, ClientIDs: passport.Integers, // as Laravel's clients know them
		Features: []passport.Feature{compat},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if !s.Beside {
		auth.Mount(mux) // until then, Laravel serves /oauth
		mux.HandleFunc("GET /login", users.ShowSignIn)
		mux.HandleFunc("POST /login", users.SignIn)
	}
	mux.Handle("GET /api/user", auth.Guard()(http.HandlerFunc(showUser)))
	mux.Handle("POST /api/orders", auth.Guard(guard.Scopes("place-orders"))(http.HandlerFunc(placeOrder)))
	return mux, nil
}

func showUser(w http.ResponseWriter, r *http.Request) {
	user, _ := passport.UserFromContext[*User](r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(user)
}

func placeOrder(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }

func main() {
	old, err := sql.Open("sqlite", "file:laravel.sqlite?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("passport.sqlite"))
	if err != nil {
		log.Fatal(err)
	}
	public, err := os.ReadFile("oauth-public.key")
	if err != nil {
		log.Fatal(err)
	}
	settings := Settings{AppKey: os.Getenv("APP_KEY"), PublicKey: string(public), Beside: os.Getenv("BESIDE") != ""}
	handler, err := application(context.Background(), old, db, settings)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", handler))
}
