package guards_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// forge makes tokens with the server's own key or another key. It uses go-jose, not
// our code.
type forge struct {
	*testkit.Server
	key    *ecdsa.PrivateKey
	kid    string
	claims map[string]any // of a valid token
}

func newForge(t *testing.T) *forge {
	t.Helper()
	key := testkit.NewECKey(t)
	s := testkit.NewServer(t, testkit.WithKeys(t, key))
	token := s.GrantTokens(s.Web()).Access
	return &forge{s, key, s.Verified(token).KeyID, testkit.ClaimsOf(t, token)}
}

// sign signs the claims with changes; nil removes a claim.
func (f *forge) sign(changes map[string]any) string {
	f.T.Helper()
	claims := maps.Clone(f.claims)
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return f.signWith(jose.ES256, f.key, map[jose.HeaderKey]any{"kid": f.kid, "typ": "at+jwt"}, claims)
}

func (f *forge) signWith(alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, claims any) string {
	f.T.Helper()
	options := new(jose.SignerOptions)
	for name, value := range header {
		options.WithHeader(name, value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		f.T.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		f.T.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		f.T.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		f.T.Fatal(err)
	}
	return token
}

// raw signs a literal header with the server's key.
func (f *forge) raw(header string, payload []byte) string {
	f.T.Helper()
	input := testkit.Base64URL([]byte(header)) + "." + testkit.Base64URL(payload)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, f.key, sum[:])
	if err != nil {
		f.T.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + testkit.Base64URL(signature)
}

func (f *forge) payload() []byte {
	payload, err := json.Marshal(f.claims)
	if err != nil {
		f.T.Fatal(err)
	}
	return payload
}

// RFC 9068 §4: each claim is required. The unchanged token is valid, so only the
// claim makes a difference.
func TestNeverRepeat_E7_AT_05_RequiredClaims(t *testing.T) {
	f := newForge(t)
	f.WantAdmits(f.sign(nil), true, "signed again with all claims")
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id"} {
		f.WantAdmits(f.sign(map[string]any{name: nil}), false, "without "+name)
		for _, value := range []any{"", 0, true, []string{}, map[string]any{}, []any{nil}} {
			f.WantAdmits(f.sign(map[string]any{name: value}), false, fmt.Sprintf("with %s %#v", name, value))
		}
	}
	f.WantAdmits(f.sign(map[string]any{"scope": nil, "auth_time": nil}), true, "without claims that are not required")
	f.WantBlameless()
}

// RFC 9068 §4 and RFC 8725 §3: each claim must have the right value.
func TestNeverRepeat_E8_AT_05_WrongClaims(t *testing.T) {
	f := newForge(t)
	now := time.Now().Unix()
	for name, changes := range map[string]map[string]any{
		"another issuer":             {"iss": "https://evil.example"},
		"the issuer with a slash":    {"iss": testkit.Issuer + "/"},
		"the issuer in upper case":   {"iss": strings.ToUpper(testkit.Issuer)},
		"another audience":           {"aud": "https://api.example.com"},
		"audiences without ours":     {"aud": []string{"https://a.example", "https://b.example"}},
		"the client as audience":     {"aud": f.claims["client_id"]},
		"expired":                    {"exp": now - 1},
		"expired long ago":           {"exp": 1},
		"a negative expiry":          {"exp": -1},
		"an expiry that is text":     {"exp": fmt.Sprint(now + 3600)},
		"issued in the future":       {"iat": now + 120},
		"not valid yet":              {"nbf": now + 120},
		"an unknown ID":              {"jti": "018f0000-0000-7000-8000-000000000000"},
		"an ID that is not storable": {"jti": "a\x00b"},
		"a very long ID":             {"jti": strings.Repeat("k", 5000)},
	} {
		f.WantAdmits(f.sign(changes), false, name)
	}
	f.WantAdmits(f.sign(map[string]any{"aud": []string{"https://a.example", testkit.Issuer}}), true, "with our audience among others")
	f.WantAdmits(f.sign(map[string]any{"nbf": now}), true, "valid from now on")
	f.WantBlameless()
}

// The row decides: a token is not valid for longer than its row.
func TestGuard_AT_05_TheRowDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForge(t)
		later := f.sign(map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()})
		f.WantAdmits(later, true, "that claims a longer life, within its row's life")
		sooner := f.sign(map[string]any{"exp": time.Now().Add(time.Minute).Unix()})
		f.WantAdmits(sooner, true, "that claims a shorter life, within it")
		time.Sleep(time.Minute)
		f.WantAdmits(sooner, false, "that claims a shorter life, after it, though its row lives")
		time.Sleep(time.Hour - time.Minute)
		f.WantAdmits(later, false, "that claims a longer life than its row has")
	})
}

// The key determines the algorithm. A guard refuses the algorithm none, and a public
// key that is used as a shared secret.
func TestNeverRepeat_E1_OtherAlgorithms(t *testing.T) {
	f := newForge(t)
	payload := f.payload()
	header := func(alg string) string { return `{"alg":"` + alg + `","kid":"` + f.kid + `","typ":"at+jwt"}` }
	f.WantAdmits(f.raw(header("ES256"), payload), true, "with a valid header")
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA", "es256", "ES256K"} {
		input := testkit.Base64URL([]byte(header(alg))) + "." + testkit.Base64URL(payload)
		f.WantAdmits(input+".", false, "with alg "+alg+" and no signature")
		f.WantAdmits(input, false, "with alg "+alg+" and two parts")
		f.WantAdmits(f.raw(header(alg), payload), false, "with alg "+alg+" and a valid signature of the key")
		for _, secret := range publicForms(t, f) {
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			f.WantAdmits(input+"."+testkit.Base64URL(mac.Sum(nil)), false, "with alg "+alg+" and the public key as a secret")
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for alg, key := range map[jose.SignatureAlgorithm]any{jose.RS256: rsaKey, jose.PS256: rsaKey, jose.HS256: []byte(f.kid + f.kid), jose.ES256: testkit.NewECKey(t)} {
		f.WantAdmits(f.signWith(alg, key, map[jose.HeaderKey]any{"kid": f.kid, "typ": "at+jwt"}, f.claims), false, "of a foreign key with our kid")
	}
}

// publicForms are the bytes that an attacker may try as a shared secret.
func publicForms(t *testing.T, f *forge) [][]byte {
	t.Helper()
	key := f.Published().Keys[0]
	jwk, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	point, err := f.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{{}, jwk, point, []byte(f.kid), []byte(f.Get("/oauth/jwks").Body)}
}

// Keys come only from the configuration, never from a header.
func TestNeverRepeat_E2_HeadersWithAKey(t *testing.T) {
	f := newForge(t)
	mine := testkit.NewECKey(t)
	jwk := jose.JSONWebKey{Key: &mine.PublicKey, KeyID: f.kid, Algorithm: "ES256", Use: "sig"}
	for name, value := range map[jose.HeaderKey]any{"jwk": jwk, "jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert", "x5c": []string{"MII"}} {
		for _, kid := range []string{f.kid, "mine"} {
			header := map[jose.HeaderKey]any{"kid": kid, "typ": "at+jwt", name: value}
			f.WantAdmits(f.signWith(jose.ES256, mine, header, f.claims), false, fmt.Sprintf("with %s and a foreign key", name))
			f.WantAdmits(f.signWith(jose.ES256, f.key, header, f.claims), false, fmt.Sprintf("with %s and our key", name))
		}
	}
	for _, kid := range []string{"", "unknown", "../../../etc/passwd", "' OR 1=1 --", "https://evil.example"} {
		f.WantAdmits(f.signWith(jose.ES256, f.key, map[jose.HeaderKey]any{"kid": kid, "typ": "at+jwt"}, f.claims), false, "with the kid "+kid)
	}
}

// RFC 7515 §4.1.11: a token with an unknown critical parameter is refused.
func TestNeverRepeat_E3_Crit(t *testing.T) {
	f := newForge(t)
	for _, crit := range []string{`["exp"]`, `["b64"]`, `["unknown"]`, `[]`, `"exp"`, `null`} {
		header := `{"alg":"ES256","kid":"` + f.kid + `","typ":"at+jwt","crit":` + crit + `,"unknown":1,"exp":1,"b64":true}`
		f.WantAdmits(f.raw(header, f.payload()), false, "with crit "+crit)
	}
	f.WantAdmits(f.raw(`{"alg":"ES256","kid":"`+f.kid+`","typ":"at+jwt","unknown":1}`, f.payload()), true, "with an unknown parameter that is not critical")
}

// RFC 9068 §4: "typ … MUST be at+jwt or application/at+jwt".
func TestGuard_AT_05_Typ(t *testing.T) {
	f := newForge(t)
	for typ, admitted := range map[string]bool{
		"at+jwt": true, "application/at+jwt": true, "AT+JWT": true,
		"JWT": false, "jwt": false, "": false, "id_token": false, "dpop+jwt": false, "logout+jwt": false, "at+jwt ": false, "xat+jwt": false,
	} {
		f.WantAdmits(f.raw(`{"alg":"ES256","kid":"`+f.kid+`","typ":"`+typ+`"}`, f.payload()), admitted, "with typ "+typ)
	}
	f.WantAdmits(f.raw(`{"alg":"ES256","kid":"`+f.kid+`"}`, f.payload()), false, "without typ")
	f.WantAdmits(f.raw(`{"alg":"ES256","alg":"ES256","kid":"`+f.kid+`","typ":"at+jwt"}`, f.payload()), false, "with alg twice")
}

// Hostile tokens are cheap to refuse: a guard refuses a megabyte without decoding
// it, and a token within the limit takes no longer than a valid one.
func TestNeverRepeat_E5_HostileTokensAreCheap(t *testing.T) {
	f := newForge(t)
	good := f.sign(nil)
	megabyte := 1 << 20
	hostile := map[string]string{
		"a megabyte of dots":           strings.Repeat(".", megabyte),
		"a megabyte of A":              strings.Repeat("A", megabyte),
		"a valid token and a megabyte": good + strings.Repeat("A", megabyte),
		"a megabyte and a valid token": strings.Repeat("A", megabyte) + good,
		"dots within the limit":        strings.Repeat(".", 16<<10-1),
		"a header that is nested":      testkit.Base64URL([]byte(strings.Repeat(`{"a":`, 2000))) + ".e30.AA",
		"a long payload":               strings.Split(good, ".")[0] + "." + strings.Repeat("A", 12<<10) + "." + strings.Split(good, ".")[2],
		"a megabyte of spaces":         strings.Repeat(" ", megabyte) + good + strings.Repeat(" ", 10),
		"a megabyte that is quoted":    `"` + strings.Repeat("A", megabyte) + `"`,
	}
	g := f.GuardAny()
	for name, bearer := range hostile {
		var times []time.Duration
		for range 15 {
			start := time.Now()
			a := f.Call(g, "Authorization", "Bearer "+bearer)
			times = append(times, time.Since(start))
			if a.Status != 401 && a.Status != 400 && name != "a megabyte of spaces" {
				t.Errorf("%s: response %s, want 400 or 401", name, a)
			}
		}
		if took := slices.Min(times); took > 5*time.Millisecond { // other work may slow some; a megabyte of base64 and JSON takes far more, twenty times over
			t.Errorf("%s takes %v to refuse", name, took)
		}
	}
	f.WantBlameless()
}

// The response to an expired and forged token does not say that it has expired.
func TestNeverRepeat_E6_SignatureFirst(t *testing.T) {
	f := newForge(t)
	expired := maps.Clone(f.claims)
	expired["exp"], expired["aud"], expired["iss"] = 1, "x", "y"
	forged := f.signWith(jose.ES256, testkit.NewECKey(t), map[jose.HeaderKey]any{"kid": f.kid, "typ": "at+jwt"}, expired)
	a := f.Call(f.GuardAny(), "Authorization", "Bearer "+forged)
	if a.Status != 401 || !strings.Contains(a.Description(), "not one of ours") {
		t.Errorf("a token that is forged and expired is refused with %q, want only that it is not ours", a.Description())
	}
	signed := f.Call(f.GuardAny(), "Authorization", "Bearer "+f.sign(map[string]any{"exp": 1}))
	if !strings.Contains(signed.Description(), "expired") {
		t.Errorf("an expired token of ours is refused with %q, want that it has expired", signed.Description())
	}
}

// A guard refuses every truncation, extension and bit flip of an access token.
func TestNeverRepeat_D13_EditedAccessToken(t *testing.T) {
	for alg, change := range testkit.EveryKey(t) {
		if alg == "PS256" && testing.Short() {
			continue
		}
		s := testkit.NewServer(t, change)
		token := s.MachineToken(s.Machine())
		g := s.GuardAny()
		tried := 0
		for edited := range testkit.Edits(token) {
			tried++
			if a := s.Call(g, "Authorization", "Bearer "+edited); a.Status == 200 && strings.Trim(edited, " ") != token {
				t.Errorf("%s: an edited token is admitted: %q, edited from %q", alg, edited, token)
			}
		}
		if tried < 2000 {
			t.Errorf("%s: only %d edits were tried", alg, tried)
		}
		s.WantAdmits(token, true, "unchanged")
		s.WantBlameless()
	}
}

// The server does not start with weak keys or without keys.
func TestNeverRepeat_E4_WeakKeys(t *testing.T) {
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, signer := range map[string]crypto.Signer{"P-224": weak, "an empty ECDSA key": &ecdsa.PrivateKey{}, "nil": nil} {
		if _, err := passport.NewKeys(signer); err == nil {
			t.Errorf("NewKeys with %s = nil, want an error", name)
		}
	}
	if _, err := passport.NewKeys(); err == nil {
		t.Error("NewKeys without a key = nil, want an error")
	}
	config := testkit.NewServer(t).Config
	for _, secrets := range [][][]byte{{nil}, {[]byte("short")}, {make([]byte, 31)}} {
		config.Secrets = secrets
		if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "32") {
			t.Errorf("New with secrets of %d bytes = %v, want an error", len(secrets[0]), err)
		}
	}
	config.Secrets, config.Keys = nil, nil
	if _, err := passport.New(config); err == nil {
		t.Error("New without keys = nil: there must be no default (C14)")
	}
}

// The server caches only that a signature was verified. It checks the token's row,
// expiry and user on each request.
func TestGuard_BR_10_RV_07_OnlyTheSignatureIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := testkit.Watched(t)
		c := s.Web()
		use := func(tok *testkit.Tokens) {
			for range 3 {
				before := store.Count("AccessToken")
				s.WantAdmits(tok.Access, true, "that is live")
				if n := store.Count("AccessToken") - before; n != 1 {
					t.Errorf("a guarded request read the token's row %d times, want once", n)
				}
			}
		}
		revoked, late, gone := s.GrantTokens(c), s.GrantTokens(c, "prompt", "consent"), s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
		use(revoked)
		testkit.Check(t, s.RevokeToken(t.Context(), testkit.ClaimsOf(t, revoked.Access)["jti"].(string)))
		s.WantAdmits(revoked.Access, false, "revoked, after it was used")
		use(gone)
		s.Users.Remove("bob")
		s.WantAdmits(gone.Access, false, "of a deleted user, after it was used")
		use(late)
		s.Suspend(c)
		s.WantAdmits(late.Access, false, "of a suspended client, after it was used")
		s.Change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Time{} })
		use(late)
		for _, end := range []string{"A", "Q", "g", "w", "-", "_", "="} {
			if edited := late.Access[:len(late.Access)-1] + end; edited != late.Access {
				s.WantAdmits(edited, false, "that differs from a cached one in its last character")
			}
		}
		time.Sleep(time.Hour)
		s.WantAdmits(late.Access, false, "expired, after it was used")
	})
}
