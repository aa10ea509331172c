//go:build unix

package passport_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/openid"
)

// withClaims turns on OpenID Connect with these keys.
func withClaims(b *testing.B, signers ...crypto.Signer) func(*passport.Config) {
	keys := testkit.WithKeys(b, signers...)
	return func(c *passport.Config) {
		keys(c)
		c.Features = append(c.Features, passport.OpenID{UserClaims: func(_ context.Context, u *oauth.User, _ *oauth.Client, _ []string) (openid.Claims, error) {
			return openid.Claims{Name: u.Name, Email: u.Email}, nil
		}})
	}
}

// BenchmarkOpenID_CodeExchange is a code exchange with an ID token. The access token is
// signed with ES256. The ceiling signs both tokens, too.
func BenchmarkOpenID_CodeExchange(b *testing.B) {
	access := testkit.NewECKey(b)
	idKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	for _, alg := range []string{"RS256", "ES256"} {
		n := newBench(b, withClaims(b, access, idKey))
		n.scopes = []string{"openid", "read"}
		setIDTokenAlg(b, n, alg)
		eachHandler(b, alg, n, newIDTokenCeiling(n, access, map[string]crypto.Signer{"RS256": idKey, "ES256": access}[alg]), func(b *testing.B, n *bench) { n.authorizationCode(b) })
	}
}

func setIDTokenAlg(b *testing.B, n *bench, alg string) {
	b.Helper()
	stored, err := n.store.Client(b.Context(), n.web.ID)
	if err != nil {
		b.Fatal(err)
	}
	changed := *stored
	changed.OpenID = &oauth.ClientOpenID{IDTokenAlg: alg}
	if err := n.store.UpdateClient(b.Context(), &changed, nil); err != nil {
		b.Fatal(err)
	}
}

// newIDTokenCeiling returns the ceiling of [newCeiling] with an ID token in its response.
func newIDTokenCeiling(n *bench, access *ecdsa.PrivateKey, idKey crypto.Signer) http.Handler {
	sum := sha256.Sum256([]byte("an access token"))
	more := func(now time.Time) map[string]any {
		claims := map[string]any{
			"iss": testkit.Issuer, "sub": "users:alice", "aud": n.web.ID, "iat": now.Unix(), "exp": now.Unix() + 3600,
			"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
		}
		if key, ok := idKey.(*ecdsa.PrivateKey); ok {
			return map[string]any{"id_token": signedBy(key, claims)}
		}
		return map[string]any{"id_token": signedWithRSA(idKey, claims)}
	}
	return newCeilingWith(n, access, "openid read", more)
}

// signedWithRSA returns a compact token with RS256, or panics.
func signedWithRSA(key crypto.Signer, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"ceiling","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(token))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return token + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// BenchmarkOpenID_UserInfo asks about the same token each time. The ceiling has verified
// its signature before and reads its row.
func BenchmarkOpenID_UserInfo(b *testing.B) {
	access := testkit.NewECKey(b)
	idKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	n := newBench(b, withClaims(b, access, idKey))
	n.scopes = []string{"openid", "profile", "email"}
	token := n.issued(b, 1)[0].Access
	id := verifiedBy(access, token)
	ceiling := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := n.store.AccessToken(r.Context(), id)
		if err != nil || r.Header.Get("Authorization") != "Bearer "+token || !found.Live(time.Now()) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		writeCeiling(w, map[string]any{"sub": "users:" + found.Family.User.ID, "name": "Name of alice", "email": "alice@example.com", "email_verified": false})
	})
	target := &url.URL{Scheme: "https", Host: "auth.example.com", Path: "/oauth/userinfo"}
	eachHandler(b, "JWT", n, ceiling, func(b *testing.B, n *bench) {
		defer costs(b)()
		for b.Loop() {
			r := &http.Request{Method: "GET", URL: target, Host: target.Host, RemoteAddr: "192.0.2.1:1234", Header: http.Header{"Authorization": {"Bearer " + token}}}
			w := &sink{header: http.Header{}, status: http.StatusOK}
			if n.handler.ServeHTTP(w, r); w.status != http.StatusOK {
				b.Fatalf("status = %d %s, want 200", w.status, w.body)
			}
		}
	})
}
