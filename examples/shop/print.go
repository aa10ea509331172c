package shop

import (
	"context"
	"fmt"
	"log"

	"github.com/go-passport/passport"
)

// Issuer is the issuer of the examples.
const Issuer = "http://127.0.0.1:8080"

// PrintClient creates a client that acts for itself and prints how to use it.
func PrintClient(auth *passport.Server) {
	created, err := auth.CreateClient(context.Background(), passport.Registration{
		Name: "Stock robot", GrantTypes: []string{"client_credentials"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`The shop runs at %[1]s. Get a token, and use it:

  curl -u %[2]s:%[3]s -d grant_type=client_credentials %[1]s/oauth/token
  curl -H "Authorization: Bearer THE_TOKEN" %[1]s/api/stock

`, Issuer, created.Client.ID, created.Secret)
}

// Scopes are the shop's scopes.
var Scopes = []passport.Scope{{ID: "check-status", Description: "Check order status"}}

// Users connects the server to the customers.
var Users = passport.UserFuncs{Current: CurrentUser, ByID: FindUser, SignInPage: "/login"}
