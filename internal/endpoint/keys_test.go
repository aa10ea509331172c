package endpoint_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

func TestToken_JK_01_JK_03_PublishedKeys(t *testing.T) {
	var changes []crypto.Signer
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	changes = append(changes, testkit.NewECKey(t), ed, rs)
	s := testkit.NewServer(t, testkit.WithKeys(t, changes...))
	a := s.Get("/oauth/jwks")
	if got := a.Header.Get("Content-Type"); got != "application/jwk-set+json" {
		t.Errorf("Content-Type = %q, want application/jwk-set+json (RFC 7517 §8.5)", got)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(a.Body), &set); err != nil || len(set.Keys) != 3 {
		t.Fatalf("jwks = %s, %v; want three keys", a.Body, err)
	}
	members := map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
	for _, key := range set.Keys {
		kty, _ := key["kty"].(string)
		for name := range key {
			if !slices.Contains(append([]string{"kty", "kid", "use", "alg"}, members[kty]...), name) {
				t.Errorf("a published %s key has the member %s, which a public key does not have", kty, name)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" || !slices.Contains([]any{"ES256", "EdDSA", "RS256"}, key["alg"]) {
			t.Errorf("published key = %v, want use, kid and an asymmetric alg", key)
		}
	}
	for i, key := range testkit.JwksOf(t, a.Body).Keys {
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil || !key.Valid() || !key.IsPublic() || key.KeyID != base64.RawURLEncoding.EncodeToString(sum) {
			t.Errorf("key %d: kid %q, valid %v, public %v, %v; want the thumbprint of RFC 7638 as kid", i, key.KeyID, key.Valid(), key.IsPublic(), err)
		}
	}
}

// A new key is published before it signs. The old key verifies until its tokens expire.
func TestToken_JK_02_Rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := testkit.NewECKey(t), testkit.NewECKey(t)
		s := testkit.NewServer(t, testkit.WithKeys(t, before))
		c, machine := s.Web(), s.Machine()
		tok, own := s.GrantTokens(c), s.MachineToken(machine)
		oldKid := s.Verified(own).KeyID

		upcoming := s.Restart(testkit.WithKeys(t, before, after))
		if n := len(upcoming.Published().Keys); n != 2 {
			t.Errorf("%d keys are published before the new one signs, want both", n)
		}
		if kid := upcoming.Verified(upcoming.MachineToken(machine)).KeyID; kid != oldKid {
			t.Error("the new key signs too early")
		}
		time.Sleep(10 * time.Minute)

		rotated := s.Restart(testkit.WithKeys(t, after, before))
		for _, published := range upcoming.Published().Keys {
			if len(rotated.Published().Key(published.KeyID)) != 1 {
				t.Errorf("the key %s is no longer published", published.KeyID)
			}
		}
		fresh := rotated.MachineToken(machine)
		if kid := rotated.Verified(fresh).KeyID; kid == oldKid {
			t.Error("the old key signs after the rotation")
		}
		upcoming.WantAdmits(fresh, true, "signed with the new key, at a node that publishes it but does not sign with it")
		for _, old := range []string{tok.Access, own} {
			rotated.WantAdmits(old, true, "signed with the old key")
			rotated.Verified(old)
		}
		tok = rotated.Refresh(c, tok.Refresh).Tokens()

		removed := s.Restart(testkit.WithKeys(t, after))
		removed.WantAdmits(own, false, "signed with a removed key")
		removed.WantAdmits(tok.Access, true, "signed with the remaining key")
		removed.Refresh(c, tok.Refresh).Tokens()
	})
}

// A key rotation between a refresh and its retry does not make the retry a replay.
func TestToken_JK_02_RT_04_RotationWithinTheGrace(t *testing.T) {
	before, after := testkit.NewECKey(t), testkit.NewECKey(t)
	s := testkit.NewServer(t, testkit.WithKeys(t, before))
	c := s.Web()
	tok := s.GrantTokens(c)
	code := s.Code(c, "prompt", "consent")
	first := s.Refresh(c, tok.Refresh).Tokens()

	rotated := s.Restart(testkit.WithKeys(t, after, before))
	rotated.Redeem(c, code)
	again := rotated.Refresh(c, tok.Refresh).Tokens()
	if again.Refresh != first.Refresh {
		t.Error("after a rotation the retry returned a different refresh token")
	}
	if testkit.ClaimsOf(t, again.Access)["jti"] != testkit.ClaimsOf(t, first.Access)["jti"] {
		t.Error("after a rotation the retry returned a different access token")
	}
	if rotated.Verified(again.Access).KeyID == rotated.Verified(first.Access).KeyID {
		t.Error("the retry was signed with the old key, so this test checks nothing")
	}
	rotated.WantAdmits(again.Access, true, "of a retry after the rotation")

	removed := s.Restart(testkit.WithKeys(t, testkit.NewECKey(t)))
	a := removed.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	if !strings.Contains(a.Description(), "key") {
		t.Errorf("error_description of a retry with a removed key = %q, want it to name the cause", a.Description())
	}
	if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("%d Replayed events after a rotation, want none", n)
	}
	rotated.WantAdmits(again.Access, true, "after a refused retry")
	removed.Refresh(c, first.Refresh).Tokens() // the successor still works
}

// With Config.Secrets, other secrets are derived from them and not from the keys.
func TestToken_RT_04_SecretsOutliveKeys(t *testing.T) {
	first, second := make([]byte, 32), make([]byte, 32)
	for _, secret := range [][]byte{first, second} {
		if _, err := rand.Read(secret); err != nil {
			t.Fatal(err)
		}
	}
	secrets := func(all ...[]byte) func(*passport.Config) {
		return func(c *passport.Config) { c.Secrets = all }
	}
	s := testkit.NewServer(t, secrets(first))
	c := s.Web()
	tok := s.GrantTokens(c)
	want := s.Refresh(c, tok.Refresh).Tokens().Refresh
	for name, other := range map[string]*testkit.Server{
		"other keys":      s.Restart(testkit.WithKeys(t, testkit.NewECKey(t))),
		"rotated secrets": s.Restart(secrets(second, first)),
	} {
		if got := other.Refresh(c, tok.Refresh).Tokens().Refresh; got != want {
			t.Errorf("%s: the retry returned a different refresh token", name)
		}
	}
	s.Restart(secrets(second)).Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(c, want).Tokens()
}

// Printed in any way, keys don't show their private half.
func TestToken_JK_04_NeverRepeat_C8_KeysAreNotPrinted(t *testing.T) {
	key := testkit.NewECKey(t)
	s := testkit.NewServer(t, testkit.WithKeys(t, key))
	s.GrantTokens(s.Web())
	d := key.D.Bytes() //nolint:staticcheck // this number must not be printed
	for _, text := range []string{s.Log.String(), s.Get("/oauth/jwks").Body, testkit.Printed(s.Config), testkit.Printed(s.Server), testkit.Printed(s.Config.Keys)} {
		for _, form := range []string{key.D.String(), string(d), base64.RawURLEncoding.EncodeToString(d), base64.StdEncoding.EncodeToString(d), key.D.Text(16)} { //nolint:staticcheck // as above
			if strings.Contains(text, form) {
				t.Errorf("the printed keys contain the private key: …%s…", text[:min(200, len(text))])
			}
		}
	}
}

// OpenID Connect Core §10.1.1 and RFC 7517 §4: clients cache the keys, and ask again with
// the ETag.
func TestJWKS_OI_152_OI_154_OI_155_Document(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	a := s.Get("/oauth/jwks", "Origin", "https://spa.example").WantStatus(200)
	etag := a.Header.Get("ETag")
	if a.Header.Get("Cache-Control") != "public, max-age=300" || a.Header.Get("Access-Control-Allow-Origin") != "*" || len(etag) < 10 {
		t.Errorf("the headers are %v, want an ETag, five minutes in caches, and any origin", a.Header)
	}
	for _, sent := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		if got := s.Get("/oauth/jwks", "If-None-Match", sent); got.Status != 304 || got.Body != "" || got.Header.Get("ETag") != etag {
			t.Errorf("If-None-Match %s: %d with %q, want 304 without a body", sent, got.Status, got.Body)
		}
	}
	if got := s.Get("/oauth/jwks", "If-None-Match", `"x"`); got.Status != 200 || got.Body != a.Body {
		t.Errorf("another ETag: %d, want the keys", got.Status)
	}
	algs := map[string]bool{}
	seen := map[string]bool{}
	for _, key := range testkit.JwksOf(t, a.Body).Keys {
		if key.Use != "sig" || key.Algorithm == "" || !key.IsPublic() || seen[key.KeyID] || key.KeyID == "" {
			t.Errorf("the key %s: use %q, alg %q, public %v; want a public key for signatures, with one algorithm and its own kid", key.KeyID, key.Use, key.Algorithm, key.IsPublic())
		}
		algs[key.Algorithm], seen[key.KeyID] = true, true
	}
	if !algs["RS256"] || !algs["ES256"] || len(algs) != 2 {
		t.Errorf("the algorithms are %v, want one for each key: ES256 and RS256", algs)
	}
	tok := s.GrantTokens(s.Web(), "scope", "openid")
	if header, _ := s.IDToken(tok.ID, "RS256"); !seen[header.KeyID] { // IDToken finds the kid under one RS256 key
		t.Errorf("the kid of the ID token is %q, want one of the document", header.KeyID)
	}
	if header := s.Verified(tok.Access); header.Algorithm != "ES256" {
		t.Errorf("the access token has %s, want the algorithm of the first key", header.Algorithm)
	}
}
