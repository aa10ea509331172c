// Command models adds data to Passport's records. It wraps the store, and gives
// clients, codes, tokens and refresh tokens attributes. One of the attributes
// decides whether a user is asked for consent. The wrapper is in records.go.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// branches are the shop's branches, by customer.
var branches = map[string]string{"1": "london", "2": "new-york"}

func branchOf(_ context.Context, customerID string) (string, error) { return branches[customerID], nil }

// settings returns the shop's configuration with a store.
func settings(store oauth.Store) passport.Config {
	return passport.Config{
		Issuer: shop.Issuer, Users: shop.Users, Scopes: shop.Scopes,
		Store: Records{Store: store, BranchOf: branchOf},
		SkipConsent: func(_ context.Context, client *oauth.Client, _ *passport.User) bool {
			return client.Attributes["first-party"] == "yes"
		},
		Claims: func(_ context.Context, token *oauth.AccessToken) (map[string]any, error) {
			branch := cmp.Or(token.Attributes["branch"], token.Client.Attributes["branch"])
			if branch == "" {
				return nil, nil
			}
			return map[string]any{"branch": branch}, nil
		},
	}
}

// application returns the shop with Passport in it.
func application(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/login", shop.SignInPage)
	auth.Mount(mux)
	mux.Handle("GET /api/branch", auth.GuardAny()(http.HandlerFunc(branch)))
	return mux
}

// branch responds with the branch of a token.
func branch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"branch": guard.TokenFrom(r.Context()).Attributes["branch"]})
}

func main() {
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("models.db"))
	if err != nil {
		log.Fatal(err)
	}
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	config := settings(store)
	if config.Keys, err = passport.GenerateKeys(); err != nil { // for a trial: passport.LoadKeys otherwise
		log.Fatal(err)
	}
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	robot, err := auth.CreateClient(context.Background(), passport.Registration{
		Name: "Robot in London", GrantTypes: []string{"client_credentials"}, Attributes: map[string]string{"branch": "london"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`The shop runs at %[1]s. Get a token, and see its branch:

  curl -u %[2]s:%[3]s -d grant_type=client_credentials %[1]s/oauth/token
  curl -H "Authorization: Bearer THE_TOKEN" %[1]s/api/branch

`, shop.Issuer, robot.Client.ID, robot.Secret)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", application(auth)))
}
