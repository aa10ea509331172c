package passport_test

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

var (
	store    *sqlstore.Store
	clientID string
	tokenID  string
	ada      = passport.UserRef{Provider: passport.DefaultProvider, ID: "42"}
)

func ExampleServer_CreateClient() {
	created, err := auth.CreateClient(ctx, passport.Registration{
		Name:         "Order Tracker",
		RedirectURIs: []string{"https://tracker.example.com/callback"},
		Scopes:       []string{"check-status"}, // nil: all
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Client.ID, created.Secret) // the secret is not shown again
}

func ExampleServer_CreateClient_public() {
	phone, err := auth.CreateClient(ctx, passport.Registration{
		Name:         "Order Tracker for phones",
		AuthMethod:   oauth.AuthNone,
		RedirectURIs: []string{"com.example.tracker:/callback"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(phone.Client.ID) // a public client has no secret and uses PKCE
}

func ExampleServer_CreateClient_native() {
	created, err := auth.CreateClient(ctx, passport.Registration{
		Name: "Order Tracker", AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/callback"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Client.ID)
}

func ExampleServer_CreateClient_machine() {
	created, err := auth.CreateClient(ctx, passport.Registration{
		Name:       "Nightly import",
		GrantTypes: []string{"client_credentials"},
		Scopes:     []string{"import-stock"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Client.ID, created.Secret)
}

func ExampleServer_CreateClient_api() {
	api, err := auth.CreateClient(ctx, passport.Registration{Name: "Orders API", Audience: auth.Audience()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(api.Client.ID, api.Secret) // the secret is not shown again
}

func ExampleServer_Clients() {
	for client, err := range auth.Clients(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(client.ID, client.Name, client.Active())
	}
}

// The old secret stays valid for a day, so that deployments can switch to the new
// one.
func ExampleServer_RotateSecret() {
	secret, err := auth.RotateSecret(ctx, clientID, 24*time.Hour) // 0: the old secret ends at once
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret) // the secret is not shown again
}

func ExampleServer_SuspendClient() {
	auth.SuspendClient(ctx, clientID) // it gets no tokens, and its tokens are refused
	auth.ResumeClient(ctx, clientID)  // its tokens are valid again

	auth.RevokeTokensOfClient(ctx, clientID) // ends its tokens, keeps the client
}

func ExampleServer_UpdateClient() {
	client, err := auth.Client(ctx, clientID)
	if err != nil {
		log.Fatal(err)
	}
	client.Name = "Order Tracker 2"
	client.AccessTokenTTL = 15 * time.Minute
	if err := auth.UpdateClient(ctx, client); err != nil {
		log.Fatal(err) // oauth.ErrConflict: another process changed the client meanwhile
	}
}

func ExampleServer_Tokens() {
	for token, err := range auth.Tokens(ctx, ada) {
		if err != nil {
			log.Fatal(err)
		}
		if token.Live(time.Now()) {
			fmt.Println(token.ID, token.Client.Name, token.Scopes, token.ExpiresAt)
		}
	}
}

func ExampleServer_TokensOfClient() {
	for token, err := range auth.TokensOfClient(ctx, clientID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(token.ID, token.Subject(), token.IssuedAt, token.Live(time.Now()))
	}
}

func ExampleServer_Connections() {
	connections, err := auth.Connections(ctx, ada)
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range connections {
		fmt.Println(token.ID, token.Client.Name, token.Scopes, token.ExpiresAt)
	}
}

func ExampleServer_RevokeToken() {
	// Revoke an access token and all tokens of the same consent …
	if err := auth.RevokeToken(ctx, tokenID); err != nil {
		log.Fatal(err) // oauth.ErrNotFound: the token does not exist
	}

	// … or its refresh tokens, with the same effect.
	if err := auth.RevokeRefreshTokensOf(ctx, tokenID); err != nil {
		log.Fatal(err)
	}
}

func ExampleServer_RevokeUser() {
	auth.RevokeUser(ctx, ada)                   // all tokens of the user
	auth.RevokeUserAtClient(ctx, ada, clientID) // the user's tokens at one app
	auth.Withdraw(ctx, ada, clientID)           // the same, and the app must ask for consent again
	auth.RevokeTokensOfClient(ctx, clientID)    // all tokens of the app, of all users
	auth.RevokeClient(ctx, clientID)            // the app and its tokens, permanently
}

func ExampleServer_PasswordChanged() {
	changePassword := func(r *http.Request, user *passport.User) error {
		// … store the new password, end the user's other sessions …
		ref := passport.UserRef{Provider: passport.DefaultProvider, ID: user.ID}
		return auth.PasswordChanged(r.Context(), ref, user.SessionID)
	}
	_ = changePassword
}

func ExampleServer_EndSession() {
	signOut := func(r *http.Request, user *passport.User) error {
		// … end the session, delete its cookie …
		ref := passport.UserRef{Provider: passport.DefaultProvider, ID: user.ID}
		return auth.EndSession(r.Context(), ref, user.SessionID)
	}
	_ = signOut
}

func ExampleServer_Run() {
	go auth.Run(ctx) // until ctx ends
}

func ExampleServer_Purge() {
	n, err := auth.Purge(ctx, oauth.EndedBefore(time.Now().Add(-24*time.Hour)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, "rows deleted")
}
