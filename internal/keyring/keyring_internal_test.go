package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/internal/seal"
)

func mustKeys(t testing.TB, signers ...crypto.Signer) *Ring {
	t.Helper()
	keys, err := New(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newP256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// remote is a signer that hides its private key, as a KMS does.
type remote struct{ key crypto.Signer }

func (r remote) Public() crypto.PublicKey { return r.key.Public() }
func (r remote) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.key.Sign(random, digest, opts)
}

// Rotation breaks no token and no sealed value until the old key is removed.
func TestKeys_JK_02_Rotation(t *testing.T) {
	oldKey, newKey := newP256(t), newP256(t)
	before, both, rotated, after := mustKeys(t, oldKey), mustKeys(t, oldKey, newKey), mustKeys(t, newKey, oldKey), mustKeys(t, newKey)
	token, err := before.Sign("at+jwt", map[string]string{"jti": "1"})
	if err != nil {
		t.Fatal(err)
	}
	sealed := before.roots.Seal("ticket", []byte("x"))
	code := before.roots.First().Derive("code", "1")
	for name, keys := range map[string]*Ring{"before": before, "new key second": both, "new key first": rotated} {
		if payload, err := keys.Verify("at+jwt", token); err != nil || string(payload) != `{"jti":"1"}` {
			t.Errorf("%s: Verify() = %s, %v", name, payload, err)
		}
		plaintext, root, err := keys.roots.Open("ticket", sealed)
		if err != nil || string(plaintext) != "x" || root.Derive("code", "1") != code {
			t.Errorf("%s: Open() = %s, %v", name, plaintext, err)
		}
	}
	if _, err := after.Verify("at+jwt", token); err == nil {
		t.Error("Verify() accepts a token of a key that was removed")
	}
	if _, _, err := after.roots.Open("ticket", sealed); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("Open() of a value that a removed key sealed = %v, want ErrSealed", err)
	}
	// A node that has the new key second already understands its tokens and
	// sealed values.
	newToken, err := rotated.Sign("at+jwt", map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Verify("at+jwt", newToken); err != nil {
		t.Errorf("a node with the new key second refuses a token of that key: %v", err)
	}
	if _, _, err := both.roots.Open("ticket", rotated.roots.Seal("ticket", nil)); err != nil {
		t.Errorf("a node with the new key second cannot open a value that the key sealed: %v", err)
	}
}

// With a KMS, the other secrets come from Config.Secrets.
func TestKeys_NotReadable(t *testing.T) {
	key := newP256(t)
	for name, tt := range map[string]struct {
		keys *Ring
		want bool
	}{
		"readable":               {mustKeys(t, key), true},
		"readable, for PS256":    {mustKeys(t, PS256(rsaTestKey())), true},
		"KMS":                    {mustKeys(t, remote{key}), false},
		"KMS, for PS256":         {mustKeys(t, PS256(remote{rsaTestKey()})), false},
		"KMS, a readable second": {mustKeys(t, remote{key}, newP256(t)), false},
		"readable, a KMS second": {mustKeys(t, newP256(t), remote{key}), true},
	} {
		if got := tt.keys.Derivable(); got != tt.want {
			t.Errorf("%s: Derivable() = %v, want %v", name, got, tt.want)
		}
		if err := tt.keys.Validate(); err != nil {
			t.Errorf("%s: Validate() = %v", name, err)
		}
	}
}

var rsaTestKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// torn has a public key that does not match its private key.
type torn struct{ crypto.Signer }

func (torn) Public() crypto.PublicKey { return rsaTestKey().Public() }

// down is a KMS that does not respond.
type down struct{ crypto.Signer }

func (down) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("connection refused")
}

func TestKeys_Validate(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if err := mustKeys(t, torn{other}).Validate(); err == nil || !strings.Contains(err.Error(), "belong together") {
		t.Errorf("Validate() of halves that do not belong together = %v", err)
	}
	if err := mustKeys(t, down{newP256(t)}).Validate(); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Validate() of a signer that does not respond = %v, want its error", err)
	}
	key := newP256(t)
	wrong := &ecdsa.PrivateKey{PublicKey: newP256(t).PublicKey, D: key.D} //nolint:staticcheck // an application may combine two halves by mistake
	if keys, err := New(wrong); err == nil && keys.Validate() == nil {
		t.Error("New() and Validate() accept an ECDSA key with the public half of another key")
	}
}

// The JWK set has only public members, and each key has kid, use and alg (RFC
// 7517 §4, §5).
func TestKeys_JK_01_Set(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(newP256(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	var b builder
	for _, signer := range []crypto.Signer{newP256(t), ed, rsaTestKey()} {
		if err := b.addSigner(signer, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.addPEM(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})); err != nil {
		t.Fatal(err)
	}
	keys, err := b.build()
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 4 {
		t.Fatalf("the set has %d keys, want 4: %s", len(set.Keys), keys.JWKS())
	}
	allowed := []string{"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}
	for i, jwk := range set.Keys {
		for name := range jwk {
			if !slices.Contains(allowed, name) {
				t.Errorf("key %d has the member %q", i, name)
			}
		}
		if jwk["kid"] != keys.all[i].ID || jwk["use"] != "sig" || jwk["alg"] != keys.all[i].Alg {
			t.Errorf("key %d has kid, use, alg %q, %q, %q", i, jwk["kid"], jwk["use"], jwk["alg"])
		}
	}
}

// A public key without its private key still verifies, and a warning in the log
// says so.
func TestLoadKeys_OtherPublicKey(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, "", 0, false); err != nil {
		t.Fatal(err)
	}
	old, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	token, err := old.Sign("at+jwt", map[string]string{})
	if err != nil {
		t.Fatal(err)
	}
	if len(old.warnings) != 0 {
		t.Errorf("Load() of a new pair warns: %q", old.warnings)
	}
	public, err := os.ReadFile(filepath.Join(dir, "oauth-public.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, "RS256", 2048, true); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "oauth-public.key"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verify("at+jwt", token); err != nil || keys.all[0].Alg != "RS256" {
		t.Errorf("Verify() with the old public key = %v", err)
	}
	if len(keys.warnings) != 1 || !strings.Contains(keys.warnings[0], "oauth-public.key") {
		t.Errorf("warnings = %q, want one that names oauth-public.key", keys.warnings)
	}
}
