package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport/internal/jws"
)

// everyKind returns a private key for each algorithm.
func everyKind(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{jws.ES256: ec, jws.EdDSA: ed, jws.RS256: two, jws.PS256: two}
}

// A key that is read from its JWK verifies what the private key signs, under any ID.
func TestFromJWK_ReadsWhatJWKReturns(t *testing.T) {
	for alg, signer := range everyKind(t) {
		key, err := jws.New(signer, alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := key.Sign(jws.AccessToken, map[string]any{"sub": "a"})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"", key.ID, "1", `","alg":"none`, "\u043a"} {
			j := key.JWK()
			j.Kid = id
			read, err := jws.FromJWK(j)
			if err != nil {
				t.Errorf("FromJWK() of an %s key with the ID %q: %v", alg, id, err)
				continue
			}
			if _, err := read.Verify(jws.AccessToken, token); (err == nil) != (id == "" || id == key.ID) || read.Signs() {
				t.Errorf("an %s key with the ID %q verifies a token that names the key %q: %v", alg, id, key.ID, err)
			}
			if want := map[bool]string{true: key.ID, false: id}[id == ""]; read.ID != want || read.JWK().Kid != want {
				t.Errorf("FromJWK() of an %s key with the ID %q has the ID %q", alg, id, read.ID)
			}
		}
	}
}

// The header of a token may spell the ID of a key in another way, as JSON allows.
func TestFromJWK_VerifiesForeignTokens(t *testing.T) {
	for alg, signer := range everyKind(t) {
		key, err := jws.New(signer, alg)
		if err != nil {
			t.Fatal(err)
		}
		const id = `a "key" of <another> server, \u043a`
		foreign, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: signer}, (&jose.SignerOptions{}).WithHeader("kid", id).WithType("at+jwt"))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := foreign.Sign([]byte(`{"sub":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		j := key.JWK()
		j.Kid = id
		read, err := jws.FromJWK(j)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read.Verify(jws.AccessToken, token); err != nil {
			t.Errorf("a token that go-jose signed with %s: %v", alg, err)
		}
	}
}

func TestFromJWK_JK_03_NeverRepeat_E4_WeakKeys(t *testing.T) {
	key, err := jws.New(everyKind(t)[jws.ES256], "")
	if err != nil {
		t.Fatal(err)
	}
	ec := key.JWK()
	for what, change := range map[string]func(*jws.JWK){
		"no key":                    func(j *jws.JWK) { *j = jws.JWK{} },
		"a symmetric key":           func(j *jws.JWK) { *j = jws.JWK{Kty: "oct"} },
		"another curve":             func(j *jws.JWK) { j.Crv = "P-384" },
		"a point outside the curve": func(j *jws.JWK) { j.X = j.Y },
		"a short coordinate":        func(j *jws.JWK) { j.X = j.X[:40] },
		"no coordinate":             func(j *jws.JWK) { j.Y = "" },
		"padding":                   func(j *jws.JWK) { j.X += "=" },
		"another algorithm":         func(j *jws.JWK) { j.Alg = "HS256" },
		"RSA with exponent 1":       func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(2048), E: "AQ"} },
		"RSA with an even exponent": func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(2048), E: "AQAA"} },
		"RSA with a long exponent":  func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(2048), E: "AQAAAAE"} },
		"RSA without exponent":      func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(2048)} },
		"RSA that is short":         func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(1024), E: "AQAB"} },
		"RSA that is long":          func(j *jws.JWK) { *j = jws.JWK{Kty: "RSA", N: modulus(16384), E: "AQAB"} },
		"a short key of Ed25519":    func(j *jws.JWK) { *j = jws.JWK{Kty: "OKP", Crv: "Ed25519", X: "AQAB"} },
		"another curve of OKP":      func(j *jws.JWK) { *j = jws.JWK{Kty: "OKP", Crv: "X25519", X: ec.X} },
	} {
		j := ec
		change(&j)
		if key, err := jws.FromJWK(j); err == nil {
			t.Errorf("FromJWK() of %s = %v, want an error", what, key)
		}
	}
}

// modulus returns an odd number of so many bits, in base64url.
func modulus(bits int) string {
	b := make([]byte, bits/8)
	for i := range b {
		b[i] = 0xff
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// FuzzFromJWK compares with go-jose: a key that is accepted here has the same thumbprint
// there.
func FuzzFromJWK(f *testing.F) {
	for alg, signer := range everyKind(f) {
		key, err := jws.New(signer, alg)
		if err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(key.JWK())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var j jws.JWK
		if json.Unmarshal(text, &j) != nil {
			return
		}
		key, err := jws.FromJWK(jws.JWK{Kty: j.Kty, Crv: j.Crv, X: j.X, Y: j.Y, N: j.N, E: j.E})
		if err != nil {
			return
		}
		other := jose.JSONWebKey{Key: key.Public()}
		thumbprint, err := other.Thumbprint(crypto.SHA256)
		if err != nil || base64.RawURLEncoding.EncodeToString(thumbprint) != key.ID {
			t.Fatalf("FromJWK(%s) has the thumbprint %s, and go-jose's is %x, %v", text, key.ID, thumbprint, err)
		}
	})
}
