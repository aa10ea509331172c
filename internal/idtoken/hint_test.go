package idtoken_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/keyring"
)

func TestHint_OI_28_LO_02_Expired(t *testing.T) {
	s, _ := newService(t, feature.OpenID{})
	r := request(client)
	r.Time = time.Now().AddDate(-1, 0, 0)
	r.Family.SID = "the session"
	hint, err := s.Hint(sign(t, s, r))
	if want := (idtoken.Hint{Subject: "users:alice", ClientID: "web", SID: "the session"}); err != nil || *hint != want {
		t.Errorf("Hint() of an expired ID token = %v, %v, want %v", hint, err, want)
	}
}

// Only an ID token of this server is a hint.
func TestHint_OI_28_OI_72_LO_02_BL_11_Refusals(t *testing.T) {
	s, keys := newService(t, feature.OpenID{})
	now := time.Now().Unix()
	complete := map[string]any{"iss": issuer, "sub": "users:alice", "aud": "web", "iat": now, "exp": now + 60}
	with := func(name string, value any) map[string]any {
		changed := maps.Clone(complete)
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
		return changed
	}
	ours := func(typ string, claims map[string]any) string {
		token, err := keys.SignAs("RS256", typ, claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	if _, err := s.Hint(ours("JWT", complete)); err != nil {
		t.Fatalf("Hint() of a complete token = %v", err)
	}
	logout, err := s.SignLogout(idtoken.Logout{Client: client, Subject: "users:alice", Time: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := newService(t, feature.OpenID{}, ecKey(t), edKey(t))
	es := request(client)
	es.Client = withAlg("EdDSA")
	good := sign(t, s, request(client))
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	for name, token := range map[string]string{
		"an access token":                 ours("at+jwt", complete),
		"a logout token":                  logout,
		"another type":                    ours("dpop+jwt", complete),
		"no type":                         ours("", complete),
		"another issuer":                  ours("JWT", with("iss", issuer+"/")),
		"no issuer":                       ours("JWT", with("iss", nil)),
		"no user":                         ours("JWT", with("sub", nil)),
		"an empty user":                   ours("JWT", with("sub", "")),
		"a user that is a number":         ours("JWT", with("sub", 1)),
		"no client":                       ours("JWT", with("aud", nil)),
		"two clients":                     ours("JWT", with("aud", []string{"web", "other"})),
		"no expiry":                       ours("JWT", with("exp", nil)),
		"no time":                         ours("JWT", with("iat", nil)),
		"the key of another server":       sign(t, foreign, es),
		"alg none":                        none + "." + parts[1] + ".",
		"alg none and the signature":      none + "." + parts[1] + "." + parts[2],
		"a changed signature":             parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"other claims":                    parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"users:bob"}`)) + "." + parts[2],
		"the client's secret as a key":    hmacSigned(t, keys, []byte("the secret of the client, of 32 bytes or more"), good),
		"the public key as an HMAC key":   hmacSigned(t, keys, publicDER(t), good),
		"empty":                           "",
		"more than 16 KB":                 good + strings.Repeat("A", 17<<10),
		"an ID token in another encoding": good + "=",
	} {
		if hint, err := s.Hint(token); err == nil {
			t.Errorf("Hint() of %s = %v, want an error", name, hint)
		} else if token != "" && len(token) < 2000 && strings.Contains(err.Error(), parts[1]) {
			t.Errorf("Hint() of %s repeats the token: %v", name, err)
		}
	}
}

func hmacSigned(t *testing.T, keys *keyring.Live, secret []byte, token string) string {
	t.Helper()
	header, _ := read(t, keys, token, "RS256")
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", header.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, opts)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func publicDER(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// FuzzHint checks that a hint is never taken from a token that the server did not sign.
func FuzzHint(f *testing.F) {
	ring, err := keyring.New(rsaKey())
	if err != nil {
		f.Fatal(err)
	}
	keys := keyring.NewLive(ring, nil)
	s := idtoken.New(idtoken.Config{Issuer: issuer, Keys: keys, OpenID: &feature.OpenID{}})
	good, err := s.Sign(context.Background(), request(client))
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for _, seed := range []string{good, "", "..", "a.b.c", parts[0] + "." + parts[1] + ".", parts[0] + ".e30." + parts[2], good + ".", good + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		hint, err := s.Hint(token)
		if (err == nil) != (token == good) {
			t.Fatalf("Hint(%q) = %v, %v; the server signed only %q", token, hint, err, good)
		}
	})
}
