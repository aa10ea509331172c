package passport_test

import (
	"context"
	"log"

	"github.com/go-passport/passport/oauth"
)

func letWikiKnow(ctx context.Context, client *oauth.Client) error {
	client.OpenID = &oauth.ClientOpenID{
		PostLogoutRedirectURIs: []string{"https://wiki.example/bye"},
		BackchannelLogoutURI:   "https://wiki.example/logout",
	}
	return auth.UpdateClient(ctx, client)
}

// The settings of a client for OpenID Connect.
func ExampleServer_UpdateClient_openID() {
	client, err := auth.Client(ctx, clientID)
	if err != nil {
		log.Fatal(err)
	}
	if err := letWikiKnow(ctx, client); err != nil {
		log.Fatal(err)
	}
}
