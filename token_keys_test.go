package passport_test

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

	"github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport"
)

// everyKey returns a change of the configuration for each algorithm.
func everyKey(t testing.TB) map[string]func(*passport.Config) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func(*passport.Config){
		"ES256": withKeys(t, newECKey(t)), "EdDSA": withKeys(t, ed), "RS256": withKeys(t, rs), "PS256": withKeys(t, passport.PS256(rs)),
	}
}

func (s *server) get(path string, header ...string) *answer {
	r := newGet(s.config.Issuer + path)
	setHeader(r, header)
	return s.do(r)
}

func jwksOf(t testing.TB, body string) *jose.JSONWebKeySet {
	t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal([]byte(body), set); err != nil {
		t.Fatalf("jwks: %v in %s", err, body)
	}
	return set
}

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
	changes = append(changes, newECKey(t), ed, rs)
	s := newServer(t, withKeys(t, changes...))
	a := s.get("/oauth/jwks")
	if got := a.header.Get("Content-Type"); got != "application/jwk-set+json" {
		t.Errorf("Content-Type = %q, want application/jwk-set+json (RFC 7517 §8.5)", got)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) != 3 {
		t.Fatalf("jwks = %s, %v; want three keys", a.body, err)
	}
	members := map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
	for _, key := range set.Keys {
		kty, _ := key["kty"].(string)
		for name := range key {
			if !slices.Contains(append([]string{"kty", "kid", "use", "alg"}, members[kty]...), name) {
				t.Errorf("a published %s key has the member %s, which is not one of a public key", kty, name)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" || !slices.Contains([]any{"ES256", "EdDSA", "RS256"}, key["alg"]) {
			t.Errorf("published key = %v, want use, kid and an asymmetric alg", key)
		}
	}
	for i, key := range jwksOf(t, a.body).Keys {
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil || !key.Valid() || !key.IsPublic() || key.KeyID != base64.RawURLEncoding.EncodeToString(sum) {
			t.Errorf("key %d: kid %q, valid %v, public %v, %v; want the thumbprint of RFC 7638 as kid", i, key.KeyID, key.Valid(), key.IsPublic(), err)
		}
	}
}

// A new key is published before it signs, the old one verifies while its tokens
// live.
func TestToken_JK_02_Rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newECKey(t), newECKey(t)
		s := newServer(t, withKeys(t, before))
		c, machine := s.web(), s.machine()
		tok, own := s.grantTokens(c), s.machineToken(machine)
		oldKid := s.verified(own).KeyID

		announced := s.restart(withKeys(t, before, after))
		if n := len(announced.published().Keys); n != 2 {
			t.Errorf("%d keys are published before the new one signs, want both", n)
		}
		if kid := announced.verified(announced.machineToken(machine)).KeyID; kid != oldKid {
			t.Error("the new key signs before it was published long enough")
		}
		time.Sleep(10 * time.Minute)

		rotated := s.restart(withKeys(t, after, before))
		for _, published := range announced.published().Keys {
			if len(rotated.published().Key(published.KeyID)) != 1 {
				t.Errorf("the key %s is not published any more", published.KeyID)
			}
		}
		fresh := rotated.machineToken(machine)
		if kid := rotated.verified(fresh).KeyID; kid == oldKid {
			t.Error("the old key signs after the rotation")
		}
		announced.wantAdmits(fresh, true, "signed with the new key, at a node that has announced it")
		for _, old := range []string{tok.Access, own} {
			rotated.wantAdmits(old, true, "signed with the old key")
			rotated.verified(old)
		}
		tok = rotated.refresh(c, tok.Refresh).tokens()

		gone := s.restart(withKeys(t, after))
		gone.wantAdmits(own, false, "signed with a key that was taken out")
		gone.wantAdmits(tok.Access, true, "signed with the key that is left")
		gone.refresh(c, tok.Refresh).tokens()
	})
}

// A key that changes between a refresh and its retry does not make a theft of
// it.
func TestToken_JK_02_RT_04_RotationWithinTheGrace(t *testing.T) {
	before, after := newECKey(t), newECKey(t)
	s := newServer(t, withKeys(t, before))
	c := s.web()
	tok := s.grantTokens(c)
	code := s.code(c, "prompt", "consent")
	first := s.refresh(c, tok.Refresh).tokens()

	rotated := s.restart(withKeys(t, after, before))
	rotated.redeem(c, code)
	again := rotated.refresh(c, tok.Refresh).tokens()
	if again.Refresh != first.Refresh {
		t.Error("after a rotation the retry got another refresh token")
	}
	if claimsOf(t, again.Access)["jti"] != claimsOf(t, first.Access)["jti"] {
		t.Error("after a rotation the retry got another access token")
	}
	if rotated.verified(again.Access).KeyID == rotated.verified(first.Access).KeyID {
		t.Error("the retry was signed with the old key: the test proves nothing")
	}
	rotated.wantAdmits(again.Access, true, "of a retry after the rotation")

	gone := s.restart(withKeys(t, newECKey(t)))
	a := gone.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
	if !strings.Contains(a.description(), "key") {
		t.Errorf("a retry that cannot be answered any more is refused with %q, which does not say why", a.description())
	}
	if n := len(eventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("a rotation raised %d alarms", n)
	}
	rotated.wantAdmits(again.Access, true, "after a retry that could not be answered")
	gone.refresh(c, first.Refresh).tokens() // who has the successor goes on
}

// Where Config.Secrets are given, they and not the keys are what is derived
// from.
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
	s := newServer(t, secrets(first))
	c := s.web()
	tok := s.grantTokens(c)
	want := s.refresh(c, tok.Refresh).tokens().Refresh
	for name, other := range map[string]*server{
		"other keys":      s.restart(withKeys(t, newECKey(t))),
		"rotated secrets": s.restart(secrets(second, first)),
	} {
		if got := other.refresh(c, tok.Refresh).tokens().Refresh; got != want {
			t.Errorf("%s: the retry got another refresh token", name)
		}
	}
	s.restart(secrets(second)).refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
	s.refresh(c, want).tokens()
}

// Keys, however they are printed, show nothing that signs.
func TestToken_JK_04_NeverRepeat_C8_KeysAreNotPrinted(t *testing.T) {
	key := newECKey(t)
	s := newServer(t, withKeys(t, key))
	s.grantTokens(s.web())
	d := key.D.Bytes() //nolint:staticcheck // the number itself is what must not be printed
	for _, text := range []string{s.log.String(), s.get("/oauth/jwks").body, printed(s.config), printed(s.Server), printed(s.config.Keys)} {
		for _, form := range []string{key.D.String(), string(d), base64.RawURLEncoding.EncodeToString(d), base64.StdEncoding.EncodeToString(d), key.D.Text(16)} { //nolint:staticcheck // as above
			if strings.Contains(text, form) {
				t.Errorf("the private key is printed: …%s…", text[:min(200, len(text))])
			}
		}
	}
}
