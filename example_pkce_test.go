package passport_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
)

// A public client generates a verifier and a challenge for each request.
func Example_pkce() {
	const clientID = "01a20bb3-4f0e-7d7c-8b1a-3b8c0a7f6d11"

	verifier := rand.Text() + rand.Text() // crypto/rand: 52 characters, 256 random bits
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])

	state := rand.Text()
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
