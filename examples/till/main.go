// Command till has a custom grant: employees open the tills of a shop with a PIN.
// The grant is in pin.go. It uses everything that the built-in grants use.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// settings returns the shop's configuration.
func settings(staff *Staff) passport.Config {
	return passport.Config{
		Issuer: shop.Issuer,
		Users:  passport.UserFuncs{Current: noUser, ByID: staff.User, SignInPage: "/login"},
		Scopes: []passport.Scope{{ID: "sell", Description: "Sell"}, {ID: "refund", Description: "Refund"}},
		Grants: []oauth.Grant{PIN{Staff: staff, Grace: 10 * time.Second}},
	}
}

// noUser returns no user: employees use tills, not browsers.
func noUser(*http.Request) (*passport.User, error) { return nil, oauth.ErrNotFound }

// application returns the shop with Passport in it.
func application(auth *passport.Server) http.Handler {
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("POST /api/sales", auth.Guard(guard.Scopes("sell"))(http.HandlerFunc(book)))
	mux.Handle("POST /api/refunds", auth.Guard(guard.Scopes("refund"), guard.RuleFunc(freshPIN))(http.HandlerFunc(book)))
	return mux
}

// book responds with the employee at the till.
func book(w http.ResponseWriter, r *http.Request) {
	user, _ := guard.TokenFrom(r.Context()).Subject().User()
	fmt.Fprintf(w, "booked by %s\n", user.ID)
}

func main() {
	staff := NewStaff()
	staff.Hire("7", "Ada", "4711")
	config := settings(staff)
	config.Store = new(memstore.Store) // for a trial
	var err error
	if config.Keys, err = passport.GenerateKeys(); err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	till, err := auth.CreateClient(context.Background(), passport.Registration{Name: "Till 1", GrantTypes: []string{PINGrantType, "refresh_token"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`The shop runs at %[1]s. Open the till, and sell:

  curl -u %[2]s:%[3]s -d grant_type=%[4]s -d scope=sell -d employee=7 -d pin=4711 -d slip=%[5]s %[1]s/oauth/token
  curl -X POST -H "Authorization: Bearer THE_TOKEN" %[1]s/api/sales

`, shop.Issuer, till.Client.ID, till.Secret, PINGrantType, staff.Print("7", time.Hour).Number)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", application(auth)))
}
