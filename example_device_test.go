package passport_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Devices without a browser show a code, which the user enters on another device.
func ExampleDevice() {
	ctx := context.Background()
	config.Features = append(config.Features, passport.Device{})
	auth, err := passport.New(config)
	if err != nil {
		log.Fatal(err)
	}
	created, err := auth.CreateClient(ctx, passport.Registration{
		Name:       "Living Room TV",
		AuthMethod: oauth.AuthNone, // users have the device, so it can't keep a secret
		GrantTypes: []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
		Scopes:     []string{"check-status"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.Client.ID)
}
