package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/jws"
)

// claims are what the tests sign.
var claims = map[string]any{"iss": "https://app.example.com", "jti": "1"}

var algorithms = []string{jws.ES256, jws.EdDSA, jws.RS256, jws.PS256}

// signers are made once: RSA keys take long.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{jws.ES256: ec, jws.EdDSA: ed, jws.RS256: rs, jws.PS256: rs}
})

func newKey(t testing.TB, alg string) *jws.Key {
	t.Helper()
	k, err := jws.New(signers()[alg], alg)
	if err != nil {
		t.Fatalf("New(%s) = %v", alg, err)
	}
	return k
}

func sign(t testing.TB, k *jws.Key, typ string) string {
	t.Helper()
	token, err := k.Sign(typ, claims)
	if err != nil {
		t.Fatalf("Sign with %s = %v", k.Alg, err)
	}
	return token
}

// forge signs any header and payload as the key itself would, so that the
// signature is not what a refusal is about.
func forge(t testing.TB, alg, header string, payload []byte) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64(payload)
	signer, sum := signers()[alg], sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch alg {
	case jws.ES256:
		r, s, e := ecdsa.Sign(rand.Reader, signer.(*ecdsa.PrivateKey), sum[:])
		if e == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
		err = e
	case jws.EdDSA:
		signature, err = signer.Sign(nil, []byte(input), crypto.Hash(0))
	case jws.RS256:
		signature, err = signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	case jws.PS256:
		signature, err = signer.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256})
	}
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	return input + "." + b64(signature)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func TestVerify_WhatSignMade(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			k := newKey(t, alg)
			public, err := jws.NewVerifier(k.Public(), alg)
			if err != nil {
				t.Fatalf("NewVerifier = %v", err)
			}
			for _, typ := range []string{jws.AccessToken, "passport+jwt"} {
				for _, verifier := range []*jws.Key{k, public} {
					payload, err := verifier.Verify(typ, sign(t, k, typ))
					if err != nil {
						t.Fatalf("Verify(%q) of the key's own token = %v", typ, err)
					}
					if want := `{"iss":"https://app.example.com","jti":"1"}`; string(payload) != want {
						t.Errorf("payload = %s, want %s", payload, want)
					}
				}
			}
			if public.Signs() || !k.Signs() {
				t.Errorf("Signs() of the public half = %v, of the key = %v", public.Signs(), k.Signs())
			}
			if _, err := public.Sign(jws.AccessToken, claims); err == nil {
				t.Error("a key without its private half signed")
			}
		})
	}
}

func TestVerify_ChoosesTheKeyByItsID(t *testing.T) {
	all := []*jws.Key{newKey(t, jws.ES256), newKey(t, jws.EdDSA), newKey(t, jws.RS256)}
	for _, k := range all {
		got, _, err := jws.Verify(all, jws.AccessToken, sign(t, k, jws.AccessToken))
		if err != nil || got != k {
			t.Errorf("Verify of a token of %v = %v, %v", k, got, err)
		}
	}
	if _, _, err := jws.Verify(all[:1], jws.AccessToken, sign(t, all[1], jws.AccessToken)); !errors.Is(err, jws.ErrUnknownKey) {
		t.Errorf("Verify of a token of another key = %v, want ErrUnknownKey", err)
	}
	if _, _, err := jws.Verify(nil, jws.AccessToken, sign(t, all[1], jws.AccessToken)); !errors.Is(err, jws.ErrUnknownKey) {
		t.Errorf("Verify without keys = %v, want ErrUnknownKey", err)
	}
}

// Resource servers must check typ, alg and key (RFC 9068 §4, RFC 8725 §3.1).
func TestVerify_AT_05_Header(t *testing.T) {
	k := newKey(t, jws.ES256)
	header := func(format string) string { return strings.ReplaceAll(format, "KID", k.ID) }
	tests := []struct {
		name, header string
		admitted     bool
	}{
		{"as it is made", `{"alg":"ES256","kid":"KID","typ":"at+jwt"}`, true},
		{"another order", `{"typ":"at+jwt","kid":"KID","alg":"ES256"}`, true},
		{"white space", " {\n\"typ\": \"at+jwt\", \"kid\":\"KID\" ,\"alg\":\"ES256\" } ", true},
		{"media type", `{"alg":"ES256","kid":"KID","typ":"application/at+jwt"}`, true},
		{"typ in capitals", `{"alg":"ES256","kid":"KID","typ":"AT+JWT"}`, true},
		{"any case of typ", `{"alg":"ES256","kid":"KID","typ":"Application/AT+JWT"}`, true},
		{"a parameter that nobody knows", `{"alg":"ES256","kid":"KID","typ":"at+jwt","x":null,"y":1}`, true},
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
		{"something behind", `{"alg":"ES256","kid":"KID","typ":"at+jwt"}{}`, false},
		{"cut", `{"alg":"ES256","kid":"KID","typ":"at+jwt"`, false},
		{"a list", `[]`, false},
		{"null", `null`, false},
		{"nothing", ``, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.Verify(jws.AccessToken, forge(t, jws.ES256, header(tt.header), []byte(`{}`)))
			if (err == nil) != tt.admitted {
				t.Errorf("Verify of a token with header %s = %v, want admitted = %v", tt.header, err, tt.admitted)
			}
		})
	}
}

// No header talks a key into another algorithm (RFC 8725 §3.1).
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
						t.Errorf("Verify admitted %s with payload %s", token, payload)
					}
				}
			})
		}
	}
	// One RSA key with two algorithms has one ID: the key still decides.
	rs, ps := newKey(t, jws.RS256), newKey(t, jws.PS256)
	if rs.ID != ps.ID {
		t.Fatal("one key has two thumbprints")
	}
	if _, err := rs.Verify(jws.AccessToken, sign(t, ps, jws.AccessToken)); err == nil {
		t.Error("a key for RS256 admitted a token with PS256")
	}
}

// A header cannot bring its own key, not even one that verifies.
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
				t.Errorf("a token with %s was admitted", name)
			}
			input := b64([]byte(header)) + "." + b64([]byte(`{}`))
			sum := sha256.Sum256([]byte(input))
			r, s, err := ecdsa.Sign(rand.Reader, other, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
			if _, err := k.Verify(jws.AccessToken, input+"."+b64(signature)); err == nil {
				t.Errorf("a token that the key in its own %s signed was admitted", name)
			}
		})
	}
}

// What a token marks as critical must be understood (RFC 7515 §4.1.11).
func TestVerify_NeverRepeat_E3_Critical(t *testing.T) {
	k := newKey(t, jws.ES256)
	for _, more := range []string{`"crit":["x"],"x":1`, `"crit":[]`, `"crit":null`, `"crit":"x"`, `"crit":["b64"],"b64":false`, `"b64":false`, `"b64":true`} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt",%s}`, k.ID, more)
		if _, err := k.Verify(jws.AccessToken, forge(t, jws.ES256, header, []byte(`{}`))); err == nil {
			t.Errorf("a token with %s was admitted", more)
		}
	}
}

// E4 of never-repeat was an empty HMAC key; here it is every key that is none.
func TestNew_NeverRepeat_E4_JK_03_WeakKeys(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this build of Go refuses to make short keys itself:", err)
	}
	curves := map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	weak := map[string]crypto.PublicKey{
		"RSA of 1024 bits":      &short.PublicKey,
		"RSA without modulus":   &rsa.PublicKey{E: 65537},
		"Ed25519 cut":           ed25519.PublicKey(make([]byte, 31)),
		"Ed25519 empty":         ed25519.PublicKey(nil),
		"ECDSA without a point": &ecdsa.PublicKey{Curve: elliptic.P256()},
		"a secret":              []byte("secret"),
		"nothing":               nil,
	}
	for name, curve := range curves {
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		weak["ECDSA on "+name] = &private.PublicKey
	}
	for name, public := range weak {
		t.Run(name, func(t *testing.T) {
			if k, err := jws.NewVerifier(public, ""); err == nil {
				t.Errorf("NewVerifier took it: %v", k)
			}
		})
	}
	for _, alg := range []string{"none", "HS256", "ES384", "RS512", jws.RS256, "es256"} {
		if k, err := jws.New(signers()[jws.ES256], alg); err == nil {
			t.Errorf("New took a P-256 key for %q: %v", alg, k)
		}
	}
}

// What is too long is refused before anything splits or decodes it.
func TestVerify_NeverRepeat_E5_Length(t *testing.T) {
	k := newKey(t, jws.ES256)
	own := sign(t, k, jws.AccessToken)
	for name, token := range map[string]string{
		"1 MB of dots":        strings.Repeat(".", 1<<20),
		"1 MB of a header":    strings.Repeat("e", 1<<20) + "..",
		"1 MB of a signature": own + strings.Repeat("A", 1<<20),
		"dots up to the cap":  strings.Repeat(".", jws.MaxBytes),
		"a deep header":       b64(bytes.Repeat([]byte(`{"a":[`), 1500)) + ".e30.AA",
	} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 5 { // the machine may be busy
				start := time.Now()
				_, err := k.Verify(jws.AccessToken, token)
				best = min(best, time.Since(start))
				if err == nil {
					t.Fatal("Verify admitted it")
				}
			}
			if best > time.Millisecond {
				t.Errorf("Verify took %v to refuse it, want less than 1 ms", best)
			}
			if n := testing.AllocsPerRun(10, func() { _, _ = k.Verify(jws.AccessToken, token) }); n > 60 {
				t.Errorf("Verify allocated %v times to refuse it", n)
			}
		})
	}
}

// The signature is the first verdict: of a token that is not ours nothing else
// is told, so no caller can take "expired" for "genuine but old".
func TestVerify_NeverRepeat_E6_SignatureFirst(t *testing.T) {
	k := newKey(t, jws.ES256)
	token, err := k.Sign(jws.AccessToken, map[string]any{"exp": 1})
	if err != nil {
		t.Fatal(err)
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for name, bad := range map[string]string{
		"another payload":        header + "." + b64([]byte(`{"exp":2}`)) + "." + signature,
		"a payload not base64":   header + ".%%%." + signature,
		"no payload":             header + ".." + signature,
		"another signature":      header + "." + payload + "." + b64(make([]byte, 64)),
		"a signature not base64": header + "." + payload + ".%%%",
		"no signature":           header + "." + payload + ".",
	} {
		got, err := k.Verify(jws.AccessToken, bad)
		if err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: Verify = %v, want an error about the signature", name, err)
		}
		if got != nil {
			t.Errorf("%s: Verify returned the payload %s beside its error", name, got)
		}
	}
}

// Every truncation, extension and bit flip of a token is refused.
func TestVerify_NeverRepeat_D13_Edits(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			k := newKey(t, alg)
			token := sign(t, k, jws.AccessToken)
			refuse := func(what, edited string) {
				t.Helper()
				if _, err := k.Verify(jws.AccessToken, edited); err == nil {
					t.Errorf("%s was admitted: %q", what, edited)
				}
			}
			for i := range token {
				refuse("a truncation", token[:i])
				refuse("a tail", token[i+1:])
				refuse("a token without one character", token[:i]+token[i+1:])
				refuse("a line end inside", token[:i]+"\n"+token[i:])
				refuse("a carriage return inside", token[:i]+"\r"+token[i:])
				for bit := range 8 {
					b := []byte(token)
					b[i] ^= 1 << bit
					refuse("a bit flip", string(b))
				}
			}
			for c := range 256 {
				refuse("an extension", token+string([]byte{byte(c)}))
				refuse("a prefix", string([]byte{byte(c)})+token)
			}
			for _, tail := range []string{"=", "==", ".", "..", "AA", "\r\n"} {
				refuse("an extension", token+tail)
			}
		})
	}
}

// A number in an ECDSA signature has 32 bytes, also where the first is zero (RFC
// 7518 §3.4): without it the token would have a second spelling.
func TestVerify_NeverRepeat_D13_ShortSignature(t *testing.T) {
	k := newKey(t, jws.ES256)
	for range 100_000 {
		token := sign(t, k, jws.AccessToken)
		dot := strings.LastIndexByte(token, '.') + 1
		signature, err := base64.RawURLEncoding.DecodeString(token[dot:])
		if err != nil {
			t.Fatal(err)
		}
		if signature[32] != 0 {
			continue
		}
		short := append(signature[:32:32], signature[33:]...)
		if _, err := k.Verify(jws.AccessToken, token[:dot]+b64(short)); err == nil {
			t.Error("a signature without its zero byte was admitted")
		}
		return
	}
	t.Fatal("no signature with a zero byte was made")
}

func TestKey_NeverRepeat_C8_PrintsNothing(t *testing.T) {
	for _, alg := range algorithms {
		k := newKey(t, alg)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			for name, value := range map[string]any{"pointer": k, "value": *k, "within a struct": struct{ k jws.Key }{*k}, "within a list": []*jws.Key{k}} {
				text := fmt.Sprintf(verb, value)
				for _, canary := range canaries(t, signers()[alg]) {
					if strings.Contains(text, canary) {
						t.Errorf("%s of a %s %s shows the private key", verb, alg, name)
					}
				}
			}
		}
	}
}

// canaries are ways in which parts of a private key would show.
func canaries(t *testing.T, signer crypto.Signer) []string {
	t.Helper()
	var secret []byte
	switch s := signer.(type) {
	case *ecdsa.PrivateKey:
		secret, _ = s.Bytes()
	case *rsa.PrivateKey:
		secret = s.D.Bytes()
	case ed25519.PrivateKey:
		secret = s.Seed()
	}
	part := secret[4:12]
	list := strings.Trim(fmt.Sprint(part), "[]")
	return []string{
		list, strings.ReplaceAll(list, " ", ", "), fmt.Sprintf("%x", part), strings.Trim(fmt.Sprintf("%#v", part), "[]byte{}"),
		base64.StdEncoding.EncodeToString(secret[3:27])[:16], string(part),
	}
}

// badSigner is a security module that has gone wrong.
type badSigner struct {
	crypto.Signer
	answer []byte
}

func (s badSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.answer, nil }

func TestSign_SignerOutOfOrder(t *testing.T) {
	for _, answer := range []string{
		"", "\x30", "\x30\x00", "\x30\x06\x02\x01\x01\x02\x01", "\x30\x06\x02\x01\x01\x02\x05\x01", "\x30\x06\x03\x01\x01\x02\x01\x01",
		"\x30\x07\x02\x01\x01\x02\x01\x01\x00", "\x30\x25\x02\x21" + strings.Repeat("\x01", 33) + "\x02\x00",
	} {
		k, err := jws.New(badSigner{signers()[jws.ES256], []byte(answer)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if token, err := k.Sign(jws.AccessToken, claims); err == nil {
			t.Errorf("Sign made %s of the signature %x", token, answer)
		}
	}
	if _, err := newKey(t, jws.ES256).Sign(jws.AccessToken, make(chan int)); err == nil {
		t.Error("Sign encoded a channel")
	}
}

// Numbers in an ECDSA signature may be shorter than 32 bytes, which one in 128
// signatures shows.
func TestSign_ShortNumbers(t *testing.T) {
	k := newKey(t, jws.ES256)
	for i := range 1000 {
		token := sign(t, k, jws.AccessToken)
		if _, err := k.Verify(jws.AccessToken, token); err != nil {
			t.Fatalf("the token %d does not verify: %v: %s", i, err, token)
		}
	}
}
