package passport_test

import (
	"fmt"
	"log"
	"time"

	"github.com/go-passport/passport"
)

func ExampleServer_CreateToken() {
	user := passport.UserRef{Provider: passport.DefaultProvider, ID: "42"}

	// A token without scopes …
	created, err := auth.CreateToken(ctx, user, "Token Name")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken) // not shown again

	// … and one with scopes.
	created, err = auth.CreateToken(ctx, user, "My Token", "place-orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken, created.Token.ID, created.Token.ExpiresAt)
}

func ExampleServer_CreatePersonalToken() {
	backup, err := auth.CreatePersonalToken(ctx, passport.PersonalToken{
		User:       ada,
		Name:       "Backup",
		Scopes:     []string{"check-status"},
		ExpiresAt:  time.Now().AddDate(0, 0, 90), // at most PersonalTokenTTL from now, the default
		Attributes: map[string]string{"made-at": "settings page"},
	})
	if err != nil {
		log.Fatal(err) // oauth.InvalidScope, oauth.InvalidRequest: tell the user
	}
	fmt.Println(backup.AccessToken)
}

func ExampleConfig_personalAccessTokens() {
	config.PersonalTokenTTL = 90 * 24 * time.Hour // one year by default
	config.PersonalTokenPrefix = "shop_pat_"
	config.PersonalTokenFormat = passport.JWT // passport.Opaque by default
}
