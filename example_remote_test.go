package passport_test

import (
	"context"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

var api = &guard.Remote{Issuer: "https://auth.example.com", Audience: "https://orders.example.com"}

func Example_remote() {
	api := &guard.Remote{
		Issuer:   "https://auth.example.com",
		Audience: "https://orders.example.com",
	}
	mux.Handle("GET /orders", api.Guard(guard.Scopes("check-status"))(orders))
}

func Example_remoteIntrospection() {
	api.ClientID = "01a20b37-…" // from passport client --api
	api.ClientSecret = secret
	api.Introspect = 10 * time.Second
}

func Example_remoteUsers() {
	api.Users = func(ctx context.Context, user oauth.UserRef) (*oauth.User, error) {
		customer, err := customerByID(ctx, user.ID) // in the API's own database
		if err != nil {
			return nil, err // oauth.ErrNotFound refuses the token
		}
		return &oauth.User{ID: user.ID, Data: customer}, nil
	}
}

func Example_remoteMetadata() {
	api.Name = "Orders API"
	api.Scopes = []string{"check-status", "place-orders"}
	api.Mount(mux)
}

var secret string
