package keyring

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport/internal/seal"
)

// Derived values never change. If other nodes or later versions derived different
// values, codes and refresh tokens would break. The key is from RFC 7515 §A.3.1.
func TestKeys_DerivationStaysTheSame(t *testing.T) {
	d, err := base64.RawURLEncoding.DecodeString("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil {
		t.Fatal(err)
	}
	keys := mustKeys(t, key)
	if got, want := keys.all[0].ID, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"; got != want {
		t.Errorf("kid = %s, want %s", got, want)
	}
	if got, want := keys.roots.First().Derive("code", "ticket"), "wD_VVk6Nsow1YXE0dZgUE5VSh9Jky3nf4AA7KE2fcb4"; got != want {
		t.Errorf("Derive() with a key = %s, want %s", got, want)
	}
	secrets := NewRoots([][]byte{bytes.Repeat([]byte("s"), 32)})
	if got, want := secrets.First().id, "TOIxnteO"; got != want {
		t.Errorf("the ID of the secret is %s, want %s", got, want)
	}
	if got, want := secrets.First().Derive("code", "ticket"), "kk5oLyLomzGsmsSLtoB_dOF149-UkMy9PkesmO17wT8"; got != want {
		t.Errorf("Derive() with a secret = %s, want %s", got, want)
	}
}

func TestRoot_Derive(t *testing.T) {
	keys := mustKeys(t, newP256(t), newP256(t))
	a, b := keys.roots[0], keys.roots[1]
	values := []string{
		a.Derive("code", "1"), a.Derive("code", "2"), a.Derive("refresh token", "1"), a.Derive("code", ""), a.Derive("", "code1"), b.Derive("code", "1"),
		a.Derive("seal", "1"),
	}
	for i, v := range values {
		if len(v) != 43 || strings.ContainsAny(v, "+/=") {
			t.Errorf("Derive() = %q, want 43 characters of base64url", v)
		}
		if slices.Index(values, v) != i {
			t.Errorf("Derive() = %q for two different labels, inputs or roots", v)
		}
	}
	if a.Derive("code", "1") != values[0] {
		t.Error("Derive() returned two values for the same input")
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if got := a.Derive("code", "1"); got != values[0] {
				t.Errorf("Derive() in a goroutine = %q, want %q", got, values[0])
			}
			a.Derive(fmt.Sprint("label ", i%4), "1")
		})
	}
	wg.Wait()
}

// Every file format of a key derives the same values.
func TestKeys_EveryFileFormDerivesTheSame(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey := newP256(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key   crypto.Signer
		other *pem.Block
	}{
		{rsaKey, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}},
		{ecKey, &pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}},
		{edKey, nil},
	} {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		want := mustKeys(t, tt.key).roots.First().Derive("code", "1")
		for _, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: pkcs8}, tt.other} {
			if block == nil {
				continue
			}
			keys, err := Parse(pem.EncodeToMemory(block))
			if err != nil {
				t.Fatal(err)
			}
			if got := keys.roots.First().Derive("code", "1"); got != want {
				t.Errorf("a %T read from a %s block and the key itself derive different values", tt.key, block.Type)
			}
		}
	}
	if mustKeys(t, &edKey).roots.First().Derive("x", "") != mustKeys(t, edKey).roots.First().Derive("x", "") {
		t.Error("a pointer to an Ed25519 key and the key itself derive different values")
	}
}

func TestNewRoots_Secrets(t *testing.T) {
	keys := mustKeys(t, newP256(t))
	first, second := bytes.Repeat([]byte("1"), 32), bytes.Repeat([]byte("2"), 32)
	roots, rotated := NewRoots([][]byte{first}), NewRoots([][]byte{second, first})
	if roots.First().Derive("code", "1") == keys.roots.First().Derive("code", "1") {
		t.Error("a secret and the private key derive the same value")
	}
	if bytes.Contains(first, []byte(roots.First().id)) || roots.First().id == rotated.First().id || len(roots.First().id) != 8 {
		t.Errorf("the IDs of the secrets are %q and %q, want two different IDs of 8 characters that do not show the secret", roots.First().id, rotated.First().id)
	}
	sealed := roots.Seal("ticket", []byte("x"))
	if plaintext, root, err := rotated.Open("ticket", sealed); err != nil || string(plaintext) != "x" || root.id != roots.First().id {
		t.Errorf("Open() with the older secret = %s, %v, %v", plaintext, root, err)
	}
	if _, _, err := roots.Open("ticket", rotated.Seal("ticket", nil)); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("Open() without the secret that sealed the value = %v, want ErrSealed", err)
	}
	if _, _, err := keys.roots.Open("ticket", sealed); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("Open() with the private key of a value that a secret sealed = %v, want ErrSealed", err)
	}
}

func TestRoot_NeverRepeat_C8_PrintsNothing(t *testing.T) {
	material := bytes.Repeat([]byte{0xa7}, 32)
	all := NewRoots([][]byte{material})
	sub := all.First().subkey("code")
	for _, value := range []any{all, all.First(), *all.First(), struct{ r Roots }{all}, &Live{secrets: all}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, value)
			for _, canary := range []string{"167 167", "a7a7", "a7, 0x", "\xa7\xa7", fmt.Sprintf("%x", sub[:8]), strings.Trim(fmt.Sprint(sub[:8]), "[]")} {
				if strings.Contains(text, canary) {
					t.Errorf("%s of a %T shows a secret: %s", verb, value, text)
				}
			}
		}
	}
}

func BenchmarkRoot_Derive(b *testing.B) {
	root := mustKeys(b, newP256(b)).roots.First()
	b.ReportAllocs()
	for b.Loop() {
		root.Derive("code", "a ticket of 26 characters..")
	}
}
