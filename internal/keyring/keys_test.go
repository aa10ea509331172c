package keyring_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
)

// keyPair returns a new P-256 key and its kid.
func keyPair(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(private)
	if err != nil {
		t.Fatal(err)
	}
	return private, kids(keys)[0]
}

// kids returns the key IDs that Keys prints, signing keys first.
func kids(keys *passport.Keys) []string {
	var ids []string
	for name := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(fmt.Sprint(keys), "passport.Keys"), "()"), ", ") {
		_, id, _ := strings.Cut(name, " ")
		ids = append(ids, id)
	}
	return ids
}

// pemText returns a key in the PEM form of a type.
func pemText(t testing.TB, form string, key any) string {
	t.Helper()
	var der []byte
	var err error
	switch form {
	case "PRIVATE KEY":
		der, err = x509.MarshalPKCS8PrivateKey(key)
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	case "EC PRIVATE KEY":
		der, err = x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	case "PUBLIC KEY":
		der, err = x509.MarshalPKIXPublicKey(key)
	case "RSA PUBLIC KEY":
		der = x509.MarshalPKCS1PublicKey(key.(*rsa.PublicKey))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: form, Bytes: der}))
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// There is no default key. Without a key, nothing starts.
func TestKeys_NeverRepeat_C14_NoDefault(t *testing.T) {
	private, _ := keyPair(t)
	t.Setenv("PASSPORT_PRIVATE_KEY", "")
	t.Setenv("PASSPORT_PUBLIC_KEY", pemText(t, "PUBLIC KEY", private.Public()))
	for name, make := range map[string]func() (*passport.Keys, error){
		"no signer":            func() (*passport.Keys, error) { return passport.NewKeys() },
		"nil":                  func() (*passport.Keys, error) { return passport.NewKeys(nil) },
		"a nil ECDSA key":      func() (*passport.Keys, error) { return passport.NewKeys((*ecdsa.PrivateKey)(nil)) },
		"a nil RSA key":        func() (*passport.Keys, error) { return passport.NewKeys((*rsa.PrivateKey)(nil)) },
		"a nil key for PS256":  func() (*passport.Keys, error) { return passport.NewKeys(passport.PS256(nil)) },
		"an empty ECDSA key":   func() (*passport.Keys, error) { return passport.NewKeys(new(ecdsa.PrivateKey)) },
		"an empty RSA key":     func() (*passport.Keys, error) { return passport.NewKeys(new(rsa.PrivateKey)) },
		"an empty Ed25519 key": func() (*passport.Keys, error) { return passport.NewKeys(ed25519.PrivateKey(nil)) },
		"an empty text":        func() (*passport.Keys, error) { return passport.ParseKeys(nil) },
		"a public key alone": func() (*passport.Keys, error) {
			return passport.ParseKeys([]byte(pemText(t, "PUBLIC KEY", private.Public())))
		},
		"the environment":    passport.KeysFromEnv,
		"an empty directory": func() (*passport.Keys, error) { return passport.LoadKeys(t.TempDir()) },
		"no directory":       func() (*passport.Keys, error) { return passport.LoadKeys(filepath.Join(t.TempDir(), "none")) },
	} {
		if keys, err := make(); err == nil || keys != nil {
			t.Errorf("%s: got %v, %v, want an error", name, keys, err)
		}
	}
	a, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	b, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	if kids(a)[0] == kids(b)[0] {
		t.Error("GenerateKeys() returned the same key twice")
	}
}

func TestKeys_JK_03_WeakKeys(t *testing.T) {
	weak := map[string]any{}
	if short, err := rsa.GenerateKey(rand.Reader, 1024); err == nil {
		weak["RSA of 1024 bits"] = short
	}
	for name, curve := range map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		weak[name] = key
	}
	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak["X25519, which cannot sign"] = agreement
	for name, key := range weak {
		if keys, err := passport.ParseKeys([]byte(pemText(t, "PRIVATE KEY", key))); err == nil {
			t.Errorf("%s: got %v, want an error", name, keys)
		}
		if signer, ok := key.(crypto.Signer); ok {
			if keys, err := passport.NewKeys(signer); err == nil {
				t.Errorf("%s: got %v, want an error", name, keys)
			}
		}
	}
}

// An error about an invalid key doesn't show the key (CVE-2023-37260).
func TestKeys_NeverRepeat_C8_ErrorsWithoutContents(t *testing.T) {
	ec, _ := keyPair(t)
	t.Setenv("PASSPORT_PUBLIC_KEY", "")
	for _, text := range []string{
		pemText(t, "PRIVATE KEY", ec), pemText(t, "EC PRIVATE KEY", ec), pemText(t, "PRIVATE KEY", rsaKey()), pemText(t, "RSA PRIVATE KEY", rsaKey()),
	} {
		var edits []string
		for i := 0; i < len(text); i += 7 {
			edits = append(edits, text[:i], text[i:], text[:i]+"?"+text[i:], text[:i]+text[min(i+4, len(text)):], text[:i]+"A"+text[min(i+1, len(text)):])
		}
		edits = append(edits, "x"+text, strings.ReplaceAll(text, "-----", ""), strings.ReplaceAll(text, "PRIVATE", "SECRET"), strings.ReplaceAll(text, "\n", " "))
		for _, edited := range edits {
			_, err := passport.ParseKeys([]byte(edited))
			t.Setenv("PASSPORT_PRIVATE_KEY", edited)
			_, envErr := passport.KeysFromEnv()
			for _, err := range []error{err, envErr} {
				if err != nil && shows(err.Error(), text) {
					t.Fatalf("the error contains a part of the key: %v", err)
				}
			}
		}
	}
}

// shows reports whether a text contains ten consecutive characters of a PEM body.
func shows(text, secret string) bool {
	lines := strings.Split(strings.TrimSpace(secret), "\n")
	for _, line := range lines[1 : len(lines)-1] {
		for i := 0; i+10 <= len(line); i++ {
			if strings.Contains(text, line[i:i+10]) {
				return true
			}
		}
	}
	return false
}

func TestKeys_NeverRepeat_C8_JK_04_PrintNothing(t *testing.T) {
	ec, _ := keyPair(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(ec, ed, passport.PS256(rsaKey()))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Keys   *passport.Keys
		keys   *passport.Keys
		value  passport.Keys
		signer crypto.Signer
	}
	var texts []string
	for _, value := range []any{
		keys, *keys, holder{keys, keys, *keys, passport.PS256(rsaKey())}, &holder{keys, keys, *keys, nil}, []*passport.Keys{keys}, passport.PS256(rsaKey()),
		map[string]any{"keys": keys}, fmt.Errorf("trouble with %v", keys), passport.Config{Keys: keys},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("test", "value", value)
		}
		encoded, _ := json.Marshal(value) // not every value can be encoded as JSON
		texts = append(texts, log.String(), string(encoded))
	}
	d, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{d, ed.Seed(), rsaKey().D.Bytes(), rsaKey().Primes[0].Bytes()} {
		part := secret[4:12]
		canaries := []string{
			string(part), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), strings.Trim(fmt.Sprint(part), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}"),
			rsaKey().D.String()[:20], rsaKey().Primes[0].String()[:20],
		}
		for _, text := range texts {
			for _, canary := range canaries {
				if strings.Contains(text, canary) {
					t.Fatalf("a private key is visible in %.300s", text)
				}
			}
		}
	}
	if text := fmt.Sprint(keys); !strings.Contains(text, "ES256 ") || !strings.Contains(text, "PS256 ") {
		t.Errorf("fmt.Sprint() of the keys = %s, want their algorithms and IDs", text)
	}
	var none *passport.Keys
	if got := fmt.Sprint(none); got == "" {
		t.Error("fmt.Sprint() of nil keys is empty")
	}
}

// An OpenID provider needs two keys. The first signs access tokens.
func TestGenerateKeys_OfEachAlgorithm(t *testing.T) {
	keys, err := passport.GenerateKeys("ES256", "RS256", "PS256", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(keys.Algorithms(), " "); got != "ES256 RS256 PS256 EdDSA" {
		t.Errorf("the keys have the algorithms %q, want those that the caller named", got)
	}
	if _, err := passport.GenerateKeys("HS256"); err == nil {
		t.Error("GenerateKeys accepts HS256")
	}
}
