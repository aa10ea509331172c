package passport_test

import (
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

// What an application prints or logs as a whole does not have a secret in it.
func TestSecrets_FR_15_AreNotPrinted(t *testing.T) {
	s := testkit.NewServer(t)
	made, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: []string{"https://app.example.com/cb"}})
	s.Works(err)
	testkit.WantHidden(t, made, made.Secret)
	testkit.WantHidden(t, *made, made.Secret)
	if text := testkit.Printed(made); !strings.Contains(text, made.Client.ID) {
		t.Errorf("a NewClient prints as %q, want its client ID", text)
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
		oauth.TokenRequest{Form: form}, &oauth.TokenRequest{Client: made.Client, Form: form},
		oauth.AuthorizationRequest{Params: form}, &oauth.AuthorizationRequest{Client: made.Client, Params: form},
		views.ConsentPage{Ticket: canary}, views.RedirectPage{Target: "https://app.example.com/cb?code=" + canary},
		passporttest.Client{Secret: canary}, &passporttest.Token{AccessToken: canary, RefreshToken: canary},
	} {
		testkit.WantHidden(t, value, canary)
	}
}
