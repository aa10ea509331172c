package jws_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/jws"
)

// Resource servers must check typ, alg and key (RFC 9068 §4, RFC 8725 §3.1).
func TestVerify_AT_05_Header(t *testing.T) {
	k := newKey(t, jws.ES256)
	header := func(format string) string { return strings.ReplaceAll(format, "KID", k.ID) }
	tests := []struct {
		name, header string
		admitted     bool
	}{
		{"written by Sign", `{"alg":"ES256","kid":"KID","typ":"at+jwt"}`, true},
		{"another order", `{"typ":"at+jwt","kid":"KID","alg":"ES256"}`, true},
		{"white space", " {\n\"typ\": \"at+jwt\", \"kid\":\"KID\" ,\"alg\":\"ES256\" } ", true},
		{"media type", `{"alg":"ES256","kid":"KID","typ":"application/at+jwt"}`, true},
		{"typ in capitals", `{"alg":"ES256","kid":"KID","typ":"AT+JWT"}`, true},
		{"any case of typ", `{"alg":"ES256","kid":"KID","typ":"Application/AT+JWT"}`, true},
		{"an unknown parameter", `{"alg":"ES256","kid":"KID","typ":"at+jwt","x":null,"y":1}`, true},
		{"typ of an ID token", `{"alg":"ES256","kid":"KID","typ":"JWT"}`, false},
		{"typ missing", `{"alg":"ES256","kid":"KID"}`, false},
		{"typ empty", `{"alg":"ES256","kid":"KID","typ":""}`, false},
		{"typ of another kind", `{"alg":"ES256","kid":"KID","typ":"dpop+jwt"}`, false},
		{"typ twice nested", `{"alg":"ES256","kid":"KID","typ":"application/application/at+jwt"}`, false},
		{"typ is a list", `{"alg":"ES256","kid":"KID","typ":["at+jwt"]}`, false},
		{"typ is null", `{"alg":"ES256","kid":"KID","typ":null}`, false},
		{"name in other case", `{"alg":"ES256","kid":"KID","TYP":"at+jwt"}`, false},
		{"kid unknown", `{"alg":"ES256","kid":"other","typ":"at+jwt"}`, false},
		{"kid missing", `{"alg":"ES256","typ":"at+jwt"}`, false},
		{"kid in other case", `{"alg":"ES256","kid":"` + strings.ToLower(k.ID) + `","typ":"at+jwt"}`, false},
		{"kid is a number", `{"alg":"ES256","kid":1,"typ":"at+jwt"}`, false},
		{"alg missing", `{"kid":"KID","typ":"at+jwt"}`, false},
		{"alg is null", `{"alg":null,"kid":"KID","typ":"at+jwt"}`, false},
		{"alg of another key", `{"alg":"RS256","kid":"KID","typ":"at+jwt"}`, false},
		{"alg in other case", `{"alg":"es256","kid":"KID","typ":"at+jwt"}`, false},
		{"alg twice", `{"alg":"none","alg":"ES256","kid":"KID","typ":"at+jwt"}`, false},
		{"alg twice, once escaped", `{"\u0061lg":"none","alg":"ES256","kid":"KID","typ":"at+jwt"}`, false},
		{"nested", `{"alg":"ES256","kid":"KID","typ":"at+jwt","x":{"alg":"none"}}`, false},
		{"trailing data", `{"alg":"ES256","kid":"KID","typ":"at+jwt"}{}`, false},
		{"truncated", `{"alg":"ES256","kid":"KID","typ":"at+jwt"`, false},
		{"a list", `[]`, false},
		{"null", `null`, false},
		{"empty", ``, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.Verify(jws.AccessToken, forge(t, jws.ES256, header(tt.header), []byte(`{}`)))
			if (err == nil) != tt.admitted {
				t.Errorf("Verify() of a token with header %s = %v, want accepted = %v", tt.header, err, tt.admitted)
			}
		})
	}
}

// A header cannot make a key use another algorithm (RFC 8725 §3.1).
func TestVerify_NeverRepeat_E1_Algorithm(t *testing.T) {
	for _, alg := range algorithms {
		k := newKey(t, alg)
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, hostile := range []string{"none", "None", "NONE", "", "HS256", "HS512", "ES256", "ES384", "EdDSA", "Ed25519", "RS256", "RS512", "PS256", "PS512", "RSA1_5", "dir"} {
			if hostile == alg {
				continue
			}
			t.Run(alg+" key, alg "+hostile, func(t *testing.T) {
				header := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, hostile, k.ID)
				input := b64([]byte(header)) + "." + b64([]byte(`{}`))
				mac := hmac.New(sha256.New, der) // the public key as an HMAC key
				mac.Write([]byte(input))
				for _, token := range []string{input + ".", input + "." + b64(mac.Sum(nil)), forge(t, alg, header, []byte(`{}`))} {
					if payload, err := k.Verify(jws.AccessToken, token); err == nil {
						t.Errorf("Verify() accepts %s with payload %s", token, payload)
					}
				}
			})
		}
	}
	// One RSA key with two algorithms has one ID. The Key decides the
	// algorithm.
	rs, ps := newKey(t, jws.RS256), newKey(t, jws.PS256)
	if rs.ID != ps.ID {
		t.Fatal("one key has two thumbprints")
	}
	if _, err := rs.Verify(jws.AccessToken, sign(t, ps, jws.AccessToken)); err == nil {
		t.Error("a key for RS256 accepts a PS256 token")
	}
}

// A header cannot bring its own key, even if the signature verifies with it.
func TestVerify_NeverRepeat_E2_OwnKey(t *testing.T) {
	k := newKey(t, jws.ES256)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	attacker, err := jws.New(other, "")
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(attacker.JWK())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"jwk": string(jwk), "jku": `"https://attacker.example/jwks"`, "x5u": `"https://attacker.example/x5u"`, "x5c": `["MIIB"]`,
	} {
		t.Run(name, func(t *testing.T) {
			header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt",%q:%s}`, k.ID, name, value)
			if _, err := k.Verify(jws.AccessToken, forge(t, jws.ES256, header, []byte(`{}`))); err == nil {
				t.Errorf("Verify() accepts a token with %s", name)
			}
			input := b64([]byte(header)) + "." + b64([]byte(`{}`))
			sum := sha256.Sum256([]byte(input))
			r, s, err := ecdsa.Sign(rand.Reader, other, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			if _, err := k.Verify(jws.AccessToken, input+"."+b64(signature)); err == nil {
				t.Errorf("Verify() accepts a token signed by the key in its own %s", name)
			}
		})
	}
}

// Verify must understand every extension that a token marks as critical (RFC
// 7515 §4.1.11).
func TestVerify_NeverRepeat_E3_Critical(t *testing.T) {
	k := newKey(t, jws.ES256)
	for _, more := range []string{`"crit":["x"],"x":1`, `"crit":[]`, `"crit":null`, `"crit":"x"`, `"crit":["b64"],"b64":false`, `"b64":false`, `"b64":true`} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt",%s}`, k.ID, more)
		if _, err := k.Verify(jws.AccessToken, forge(t, jws.ES256, header, []byte(`{}`))); err == nil {
			t.Errorf("Verify() accepts a token with %s", more)
		}
	}
}
