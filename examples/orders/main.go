// Command orders is a shop with an API for third-party apps. It has its own tables:
//
//   - shop.go connects it to Passport: Config, routes, guards;
//   - customers.go has the customers, their sessions and the sign-in page;
//   - orders.go is the API;
//   - tokens.go lets customers create personal access tokens;
//   - listener.go handles the events of tokens.
//
// Its tests use package passporttest.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"

	_ "modernc.org/sqlite"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

func main() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", sqlstore.SQLiteDSN("orders.db"))
	if err != nil {
		log.Fatal(err)
	}
	shop := &Shop{db: db}
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := errors.Join(shop.Migrate(ctx), store.Migrate(ctx)); err != nil {
		log.Fatal(err)
	}
	// Does the same as `passport keys`, so that the example needs no preparation.
	if err := passport.WriteKeys("storage", "", 0, false); err != nil && !errors.Is(err, fs.ErrExist) {
		log.Fatal(err)
	}
	config := shop.Config()
	config.Store = store
	if config.Keys, err = passport.LoadKeys("storage"); err != nil {
		log.Fatal(err)
	}
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	if err := demonstrate(ctx, shop, auth); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", shop.Handler(auth)))
}

// demonstrate creates a customer and a client, and prints how to use them.
func demonstrate(ctx context.Context, shop *Shop, auth *passport.Server) error {
	_, err := shop.AddCustomer(ctx, "ada@example.com", "Ada", "correct horse")
	if err != nil && !errors.Is(err, oauth.ErrConflict) {
		return err
	}
	created, err := auth.CreateClient(ctx, passport.Registration{Name: "Stock robot", GrantTypes: []string{"client_credentials"}})
	if err != nil {
		return err
	}
	fmt.Printf(`The shop runs at %[1]s. Sign in there as ada@example.com with the password "correct horse"
and create a token. Or let a machine get a token, and use it:

  curl -u %[2]s:%[3]s -d grant_type=client_credentials -d scope=import-stock %[1]s/oauth/token
  curl -H "Authorization: Bearer THE_TOKEN" -d '{"item":"espresso machine","count":42}' %[1]s/api/stock

`, Issuer, created.Client.ID, created.Secret)
	return nil
}
