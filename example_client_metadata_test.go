package passport_test

import (
	"context"
	"log"

	"github.com/go-passport/passport/oauth"
)

func describe(ctx context.Context, client *oauth.Client, logo []byte) error {
	m, err := auth.ClientMetadata(ctx, client.ID)
	if err != nil {
		return err
	}
	m.ClientURI, m.Verified = "https://tracker.example", true
	return auth.UpdateClientMetadata(ctx, client, m, logo) // a nil logo keeps the stored one
}

func ExampleServer_UpdateClientMetadata() {
	client, err := auth.Client(ctx, clientID)
	if err != nil {
		log.Fatal(err)
	}
	if err := describe(ctx, client, nil); err != nil {
		log.Fatal(err)
	}
}
