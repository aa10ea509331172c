package passport_test

import (
	"encoding/base64"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/passporttest"
	"github.com/go-passport/passport/views"
)

// Values that an application prints or logs as a whole show no secret.
func TestSecrets_FR_15_AreNotPrinted(t *testing.T) {
	s := testkit.NewServer(t)
	created, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: []string{"https://app.example.com/cb"}})
	s.Works(err)
	testkit.WantHidden(t, created, created.Secret)
	testkit.WantHidden(t, *created, created.Secret)
	if text := testkit.Printed(created); !strings.Contains(text, created.Client.ID) {
		t.Errorf("a NewClient prints as %q, want its client ID in it", text)
	}
	token, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "x")
	s.Works(err)
	testkit.WantHidden(t, token, token.AccessToken)
	testkit.WantHidden(t, *token, token.AccessToken)

	const canary = "canary-of-a-test"
	form := url.Values{"client_secret": {canary}, "password": {canary}, "code": {canary}, canary: {""}}
	for _, value := range []any{
		passport.NewClient{Secret: canary}, passport.NewToken{AccessToken: canary},
		passport.StoredKeys{Store: new(memstore.Store), Secret: []byte(canary)},
		passport.Config{Secrets: [][]byte{[]byte(canary)}, PersonalAccessClientSecret: canary},
		oauth.TokenRequest{Form: form}, &oauth.TokenRequest{Client: created.Client, Form: form},
		oauth.AuthorizationRequest{Params: form}, &oauth.AuthorizationRequest{Client: created.Client, Params: form},
		views.ConsentPage{Ticket: canary}, views.RedirectPage{Target: "https://app.example.com/cb?code=" + canary},
		passporttest.Client{Secret: canary}, &passporttest.Token{AccessToken: canary, RefreshToken: canary},
	} {
		testkit.WantHidden(t, value, canary)
	}
}

// JSON is for responses, so it contains the secret of a new client or token. slog
// encodes a list as JSON; docs/deploying.md warns about it. The secret of a server's
// keys is in no response.
func TestSecrets_FR_15_JSON(t *testing.T) {
	const canary = "canary-of-a-test"
	for _, tt := range []struct {
		value any
		keeps bool
	}{
		{&passport.NewClient{Secret: canary}, true}, {&passport.NewToken{AccessToken: canary}, true},
		{passport.StoredKeys{Store: new(memstore.Store), Secret: []byte(canary)}, false},
	} {
		var attribute, nested strings.Builder
		slog.New(slog.NewJSONHandler(&attribute, nil)).Info("made", "value", tt.value, slog.Group("group", "value", tt.value))
		slog.New(slog.NewJSONHandler(&nested, nil)).Info("made", "values", []any{tt.value})
		secret := canary
		if !tt.keeps {
			secret = base64.StdEncoding.EncodeToString([]byte(canary))
		}
		if strings.Contains(attribute.String(), secret) {
			t.Errorf("slog's JSON prints the secret of a %T that is an attribute: %s", tt.value, &attribute)
		}
		if got := strings.Contains(nested.String(), secret); got != tt.keeps {
			t.Errorf("slog's JSON prints the secret of a %T in a list: %t, want %t", tt.value, got, tt.keeps)
		}
	}
}
