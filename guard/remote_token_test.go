package guard_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
)

// A signer signs tokens with a server's own key, for an API in another process.
type signer struct {
	*process
	key    *ecdsa.PrivateKey
	kid    string
	claims map[string]any // of a valid token
}

func newSigner(t *testing.T, change func(*guard.Remote)) *signer {
	t.Helper()
	key := testkit.NewECKey(t)
	p := newProcess(t, change, testkit.WithKeys(t, key))
	token := p.token()
	return &signer{p, key, p.Verified(token).KeyID, testkit.ClaimsOf(t, token)}
}

// sign signs the claims with changes; nil removes a claim.
func (s *signer) sign(changes map[string]any) string {
	claims := maps.Clone(s.claims)
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.raw(`{"alg":"ES256","kid":"`+s.kid+`","typ":"at+jwt"}`, payload)
}

// raw signs a literal header.
func (s *signer) raw(header string, payload []byte) string {
	input := testkit.Base64URL([]byte(header)) + "." + testkit.Base64URL(payload)
	sum := sha256.Sum256([]byte(input))
	a, b, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		s.T.Fatal(err)
	}
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return input + "." + testkit.Base64URL(signature)
}

// An API in another process checks what RFC 9068 §4 asks. The server has no row for these
// tokens, so only the API decides.
func TestRemote_AT_05_Claims(t *testing.T) {
	s := newSigner(t, nil)
	now := time.Now().Unix()
	s.want(200, s.sign(map[string]any{"jti": "another"}), "with all claims")
	for name, changes := range map[string]map[string]any{
		"of another issuer":             {"iss": "https://evil.example"},
		"of the issuer with a slash":    {"iss": testkit.Issuer + "/"},
		"for the server's own audience": {"aud": testkit.Issuer},
		"for other audiences":           {"aud": []string{"https://a.example", "https://b.example"}},
		"for a part of the audience":    {"aud": orders + "/v1"},
		"for its client":                {"aud": s.claims["client_id"]},
		"that is expired":               {"exp": now},
		"that is expired for long":      {"exp": 1},
		"from the future":               {"iat": now + 120},
		"that is not valid yet":         {"nbf": now + 120},
		"with an expiry that is text":   {"exp": fmt.Sprint(now + 3600)},
		"of no subject":                 {"sub": ""},
		"of a subject without provider": {"sub": "alice"},
		"of an empty provider":          {"sub": ":alice"},
		"of an empty user":              {"sub": "users:"},
		"of another client":             {"sub": "client:another"},
		"of a client without ID":        {"sub": "client:"},
	} {
		a := s.want(401, s.sign(changes), name)
		if !strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("the challenge for a token %s is %q, want invalid_token", name, a.Header.Get("WWW-Authenticate"))
		}
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id"} {
		s.want(401, s.sign(map[string]any{name: nil}), "without "+name)
	}
	s.want(200, s.sign(map[string]any{"aud": []string{"https://a.example", orders + "/"}}), "with the audience among others, in another spelling")
	s.want(200, s.sign(map[string]any{"scope": nil, "auth_time": nil}), "without optional claims")
	if a := s.Call(s.api.Guard(), "Authorization", "Bearer "+s.sign(map[string]any{"sub": "client:" + fmt.Sprint(s.claims["client_id"])})); a.Status != 403 {
		t.Errorf("a client's own token at a guard for users: %d, want 403", a.Status)
	}
	if a := s.Call(s.api.Guard(guard.Provider("staff")), "Authorization", "Bearer "+s.sign(map[string]any{"sub": "staff:7:b"})); a.Status != 200 {
		t.Errorf("a token of the provider staff at its guard: %d, want 200", a.Status)
	}
}

func TestRemote_AT_05_NeverRepeat_E1_E2_E3_Signatures(t *testing.T) {
	s := newSigner(t, nil)
	payload, err := json.Marshal(s.claims)
	if err != nil {
		t.Fatal(err)
	}
	header := func(alg, typ string) string { return `{"alg":"` + alg + `","kid":"` + s.kid + `","typ":"` + typ + `"}` }
	s.want(200, s.raw(header("ES256", "at+jwt"), payload), "with a valid header")
	for _, alg := range []string{"none", "None", "", "HS256", "RS256", "PS256", "ES384", "EdDSA", "es256"} {
		input := testkit.Base64URL([]byte(header(alg, "at+jwt"))) + "." + testkit.Base64URL(payload)
		s.want(401, input+".", "with alg "+alg+" and no signature")
		s.want(401, s.raw(header(alg, "at+jwt"), payload), "with alg "+alg+" and a valid signature")
		jwk, err := s.Published().Keys[0].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range [][]byte{jwk, {}, []byte(s.Get(keysPath).Body)} {
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			s.want(401, input+"."+testkit.Base64URL(mac.Sum(nil)), "with alg "+alg+" and the public key as a secret")
		}
	}
	for _, typ := range []string{"JWT", "", "id_token", "logout+jwt", "dpop+jwt"} {
		s.want(401, s.raw(header("ES256", typ), payload), "with typ "+typ)
	}
	for _, more := range []string{`,"crit":["exp"],"exp":1`, `,"jku":"https://evil.example"`, `,"jwk":{}`, `,"b64":true`, `,"kid":"` + s.kid + `"`} {
		s.want(401, s.raw(strings.TrimSuffix(header("ES256", "at+jwt"), "}")+more+"}", payload), "with the header parameter "+more)
	}
	token := s.sign(nil)
	for _, broken := range []string{"eyJ..", "eyJ.e30.e30", token + "x", token[:len(token)-8], "eyJ" + strings.Repeat("a", 2000) + ".a.a", "x" + token, token + ".x", "opaque", "passport_pat_AAAA", "=", "eyJhbGciOiJub25lIn0.e30."} {
		if a := s.bearer(broken); a.Status != 401 && a.Status != 400 {
			t.Errorf("response to %.60q = %d, want a refusal", broken, a.Status)
		}
	}
	s.want(401, s.GrantTokens(s.Web(), "prompt", "consent").Refresh, "that is a refresh token")
	if n := s.requests()[keysPath]; n > 2 {
		t.Errorf("the keys were fetched %d times, want at most one time more for unknown keys", n)
	}
}

// A verified signature is cached, but the time is checked for each request.
func TestRemote_AT_05_ExpiresWhileCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		token := p.token()
		p.want(200, token, "that is new")
		time.Sleep(time.Hour - time.Second)
		p.want(200, token, "in its last second")
		time.Sleep(time.Second)
		p.want(401, token, "that has expired")
	})
}

// Without Introspect, the API learns about a revocation when the token expires. The
// documentation says so.
func TestRemote_RevocationOfAJWT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, nil)
		token := p.token()
		p.want(200, token, "that is new")
		if err := p.RevokeUser(t.Context(), testkit.Ref("alice")); err != nil {
			t.Fatal(err)
		}
		p.want(200, token, "that was revoked, without introspection")
		time.Sleep(time.Hour)
		p.want(401, token, "that was revoked, after its life")
	})
}
