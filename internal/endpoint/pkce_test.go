package endpoint_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// RFC 7636 §4.1: 43 to 128 unreserved characters.
func TestToken_PK_04_FormOfTheVerifier(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Spa()
	for verifier, ok := range map[string]bool{
		strings.Repeat("v", 43): true, strings.Repeat("v", 128): true, strings.Repeat("aZ09-._~", 6): true,
		strings.Repeat("v", 42): false, strings.Repeat("v", 129): false, "v": false,
		strings.Repeat("v", 42) + "+": false, strings.Repeat("v", 42) + "=": false, strings.Repeat("v", 42) + "é": false, strings.Repeat("v", 42) + " ": false,
	} {
		c.Verifier = verifier // the challenge belongs to this verifier
		code := s.Code(c, "prompt", "consent")
		a := s.Exchange(c, c.CodeForm(code)...)
		if ok {
			a.Tokens()
			continue
		}
		a.WantJSONError(400, "invalid_grant")
	}
}

// An attacker who has only seen a code cannot break the user's sign-in.
func TestNeverRepeat_A6_PK_05_WrongVerifierDoesNotUseUpTheCode(t *testing.T) {
	s := testkit.NewServer(t)
	c, thief := s.Spa(), s.Spa()
	code := s.Code(c)
	for range 3 {
		s.Exchange(c, append(c.CodeForm(code), "code_verifier", strings.Repeat("x", 43))...).WantJSONError(400, "invalid_grant")
		s.Exchange(thief, thief.CodeForm(code)...).WantJSONError(400, "invalid_grant")
	}
	tok := s.Redeem(c, code)
	// The attacker cannot revoke the tokens either. Only a client that passes every check can.
	s.Exchange(c, append(c.CodeForm(code), "code_verifier", strings.Repeat("x", 43))...).WantJSONError(400, "invalid_grant")
	s.Exchange(thief, thief.CodeForm(code)...).WantJSONError(400, "invalid_grant")
	s.WantAdmits(tok.Access, true, "after another client tried the used code")
}

// RFC 9700 §2.1.1: a verifier without a challenge indicates a downgrade attack.
func TestNeverRepeat_A7_PK_06_VerifierWithoutChallenge(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	code := s.Code(c, "code_challenge", "", "code_challenge_method", "")
	s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_request")
	s.Exchange(c, append(c.CodeForm(code), "code_verifier", "")...).Tokens()
}

// A stored challenge is always verified, for every kind of client.
func TestNeverRepeat_A7_A9_PK_07_ChallengeWithoutVerifier(t *testing.T) {
	s := testkit.NewServer(t)
	for name, c := range map[string]*testkit.Client{"confidential": s.Web(), "public": s.Spa(), "native": s.Native()} {
		code := s.Code(c)
		s.Exchange(c, append(c.CodeForm(code), "code_verifier", "")...).WantJSONError(400, "invalid_grant")
		s.Exchange(c, append(c.CodeForm(code), "code_verifier", strings.Repeat("w", 43))...).WantJSONError(400, "invalid_grant")
		s.Redeem(c, code)
		if name == "confidential" && c.Secret == "" {
			t.Fatal("the confidential client has no secret, so this test checks nothing")
		}
	}
}

// The verifier of one request is not valid for the code of another request.
func TestToken_PK_05_AnotherRequestsVerifier(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Spa()
	mine := *c
	mine.Verifier = strings.Repeat("another-", 6)
	code := s.Code(c)
	s.Exchange(&mine, mine.CodeForm(code)...).WantJSONError(400, "invalid_grant")
	s.Redeem(c, code)
}

// No client can redeem the code of another client, whether public or not.
func TestNeverRepeat_A2_CodeOfAnotherClient(t *testing.T) {
	s := testkit.NewServer(t)
	clients := map[string]*testkit.Client{"web": s.Web(), "web 2": s.Web(), "spa": s.Spa(), "spa 2": s.Spa()}
	for ownerName, owner := range clients {
		code := s.Code(owner)
		for name, c := range clients {
			if name != ownerName {
				stolen := *c
				stolen.Verifier = owner.Verifier
				s.Exchange(&stolen, owner.CodeForm(code)...).WantJSONError(400, "invalid_grant")
			}
		}
		tok := s.Redeem(owner, code)
		for name, c := range clients {
			if name != ownerName {
				s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
			}
		}
		next := s.Refresh(owner, tok.Refresh).Tokens()
		for name, c := range clients { // the used token too
			if name != ownerName {
				s.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
			}
		}
		s.WantAdmits(next.Access, true, "after other clients tried the refresh token")
	}
}

// Codes contain no data, so every changed code is unknown.
func TestNeverRepeat_A13_D13_EditedCode(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	code := s.Code(c)
	for edited := range testkit.Edits(code) {
		s.Exchange(c, c.CodeForm(edited)...).WantJSONError(400, "invalid_grant")
	}
	s.Redeem(c, code)
	s.WantBlameless()
}

func TestNeverRepeat_D13_EditedRefreshToken(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	for edited := range testkit.Edits(tok.Refresh) {
		s.Refresh(c, edited).WantJSONError(400, "invalid_grant")
	}
	s.WantAdmits(tok.Access, true, "after edited refresh tokens were tried")
	s.Refresh(c, tok.Refresh).Tokens()
}

// As in the documentation under "Authorization Code Grant With PKCE": a client without a
// secret, with the verifier and challenge of Example_pkce.
func TestPKCE_PublicClientWithoutASecret(t *testing.T) {
	s := testkit.NewServer(t)
	auth, ctx := s.Server, t.Context()
	created, err := auth.CreateClient(ctx, passport.Registration{
		Name: "Order Tracker", AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/callback"},
	})
	if err != nil || created.Secret != "" || !created.Client.Public() {
		t.Fatalf("CreateClient() = %+v, %v; want a client without a secret", created, err)
	}
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	c := &testkit.Client{Client: created.Client, Verifier: verifier}
	const redirectURI = "http://127.0.0.1:51004/callback"
	code := s.Browser().SignIn("alice").Authorize(c, "redirect_uri", redirectURI, "code_challenge", challenge).Allow().Code()
	form := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", redirectURI}
	s.Exchange(c, form...).WantJSONError(400, "invalid_grant")
	s.Exchange(c, append(form, "code_verifier", verifier[:51]+"_")...).WantJSONError(400, "invalid_grant")
	tokens := s.Exchange(c, append(form, "code_verifier", verifier)...).Tokens()
	s.WantAdmits(tokens.Access, true, "after PKCE")
	s.Refresh(c, tokens.Refresh).Tokens()
	b := s.Browser().SignIn("alice")
	b.Authorize(c, "redirect_uri", redirectURI, "code_challenge", "", "code_challenge_method", "").WantRedirectError("invalid_request")
	b.Authorize(c, "redirect_uri", redirectURI, "code_challenge_method", "plain").WantRedirectError("invalid_request")
}
