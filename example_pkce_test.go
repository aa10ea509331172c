package passport_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// A public client makes a verifier and a challenge for each request.
func Example_pkce() {
	const clientID, state = "01a20bb3-4f0e-7d7c-8b1a-3b8c0a7f6d11", "Dq1vXw"

	verifier := rand.Text() + rand.Text() // crypto/rand: 52 characters, 256 random bits
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])

	query := url.Values{
		"client_id":             {clientID},
		"redirect_uri":          {"http://127.0.0.1:51004/callback"},
		"response_type":         {"code"},
		"scope":                 {"check-status"},
		"state":                 {state},
		"code_challenge":        {challenge},
		"code_challenge_method": {"S256"},
		// "prompt": {"none"}, or "consent", or "login"
	}
	address := "https://app.example.com/oauth/authorize?" + query.Encode()

	u, _ := url.Parse(address)
	fmt.Println(len(verifier), len(u.Query().Get("code_challenge")), u.Path)
	// Output: 52 43 /oauth/authorize
}

// "Authorization Code Grant With PKCE", as the documentation has it: a client
// without a secret, with the verifier and the challenge of the example.
func TestPKCE_PublicClientWithoutASecret(t *testing.T) {
	s := newServer(t)
	auth, ctx := s.Server, t.Context()
	made, err := auth.CreateClient(ctx, passport.Registration{
		Name: "Order Tracker", AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/callback"},
	})
	if err != nil || made.Secret != "" || !made.Client.Public() {
		t.Fatalf("CreateClient() = %+v, %v; want a client without a secret", made, err)
	}
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	c := &client{made.Client, "", verifier}
	const there = "http://127.0.0.1:51004/callback"
	code := s.browser().signIn("alice").authorize(c, "redirect_uri", there, "code_challenge", challenge).allow().code()
	form := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", there}
	s.exchange(c, form...).wantJSONError(400, "invalid_grant")
	s.exchange(c, append(form, "code_verifier", verifier[:51]+"_")...).wantJSONError(400, "invalid_grant")
	tokens := s.exchange(c, append(form, "code_verifier", verifier)...).tokens()
	s.wantAdmits(tokens.Access, true, "after PKCE")
	s.refresh(c, tokens.Refresh).tokens()
	b := s.browser().signIn("alice")
	b.authorize(c, "redirect_uri", there, "code_challenge", "", "code_challenge_method", "").wantRedirectError("invalid_request")
	b.authorize(c, "redirect_uri", there, "code_challenge_method", "plain").wantRedirectError("invalid_request")
}
