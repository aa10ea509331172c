package passport_test

import (
	"context"
	"log"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// Person is an account of the application.
type Person struct {
	Name, Email string
	Confirmed   bool // the user opened the link in a mail to the address
	Groups      []string
}

// claimsOf returns what the application knows about a user. The server gives a client
// only the claims of the scopes that the user allowed.
func claimsOf(ctx context.Context, user *oauth.User, client *oauth.Client, scopes []string) (openid.Claims, error) {
	person, ok := user.Data.(*Person)
	if !ok {
		return openid.Claims{}, nil
	}
	return openid.Claims{
		Name:          person.Name,
		Email:         person.Email,
		EmailVerified: person.Confirmed,
		Extra:         map[string]any{"groups": person.Groups},
	}, nil
}

// Other sites offer "Sign in with" the application.
func ExampleOpenID() {
	config.Features = append(config.Features, passport.OpenID{
		UserClaims:  claimsOf,
		ExtraClaims: []openid.ExtraClaim{{Name: "groups", Scope: "groups", Description: "See your groups"}},
	})
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	_ = auth
}
