package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/jws"
)

// E4 of never-repeat was an empty HMAC key. Here the keys are empty, too short
// or of the wrong kind.
func TestNew_NeverRepeat_E4_JK_03_WeakKeys(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatalf("generate a short RSA key: %v", err)
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
				t.Errorf("NewVerifier() = %v, want an error", k)
			}
		})
	}
	for _, alg := range []string{"none", "HS256", "ES384", "RS512", jws.RS256, "es256"} {
		if k, err := jws.New(signers()[jws.ES256], alg); err == nil {
			t.Errorf("New() of a P-256 key for %q = %v, want an error", alg, k)
		}
	}
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

// canaries returns forms in which parts of a private key could appear.
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

// badSigner is a broken hardware security module.
type badSigner struct {
	crypto.Signer
	signature []byte
}

func (s badSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return s.signature, nil
}

func TestSign_BrokenSigner(t *testing.T) {
	for _, signature := range []string{
		"", "\x30", "\x30\x00", "\x30\x06\x02\x01\x01\x02\x01", "\x30\x06\x02\x01\x01\x02\x05\x01", "\x30\x06\x03\x01\x01\x02\x01\x01",
		"\x30\x07\x02\x01\x01\x02\x01\x01\x00", "\x30\x25\x02\x21" + strings.Repeat("\x01", 33) + "\x02\x00",
	} {
		k, err := jws.New(badSigner{signers()[jws.ES256], []byte(signature)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if token, err := k.Sign(jws.AccessToken, claims); err == nil {
			t.Errorf("Sign() = %s with the invalid signature %x, want an error", token, signature)
		}
	}
	if _, err := newKey(t, jws.ES256).Sign(jws.AccessToken, make(chan int)); err == nil {
		t.Error("Sign() of a channel succeeds")
	}
}
