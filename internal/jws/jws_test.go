package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/jws"
)

// claims are the claims that the tests sign.
var claims = map[string]any{"iss": "https://app.example.com", "jti": "1"}

var algorithms = []string{jws.ES256, jws.EdDSA, jws.RS256, jws.PS256}

// signers are generated once, because RSA keys take long.
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

// forge signs any header and payload with the key, so that only the header or
// payload can be the reason for a refusal.
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

func TestVerify_SignedTokens(t *testing.T) {
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
						t.Fatalf("Verify(%q) of a token of the same key = %v", typ, err)
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
				t.Error("Sign() of a key without its private half succeeds")
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

// Verify refuses a token that is too long before it splits or decodes it.
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
			for range 5 { // best of five, because the machine may be busy
				start := time.Now()
				_, err := k.Verify(jws.AccessToken, token)
				best = min(best, time.Since(start))
				if err == nil {
					t.Fatal("Verify() accepts it")
				}
			}
			if best > time.Millisecond {
				t.Errorf("Verify() took %v to refuse it, want less than 1 ms", best)
			}
			if n := testing.AllocsPerRun(10, func() { _, _ = k.Verify(jws.AccessToken, token) }); n > 60 {
				t.Errorf("Verify() allocated %v times to refuse it, want at most 60", n)
			}
		})
	}
}

// Verify checks the signature first. For a token that is not ours no other error
// appears, so that "expired" always means a genuine token.
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
			t.Errorf("%s: Verify() returned the payload %s with an error", name, got)
		}
	}
}

// Verify refuses every truncation, extension and bit flip of a token.
func TestVerify_NeverRepeat_D13_Edits(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			k := newKey(t, alg)
			token := sign(t, k, jws.AccessToken)
			refuse := func(what, edited string) {
				t.Helper()
				if _, err := k.Verify(jws.AccessToken, edited); err == nil {
					t.Errorf("Verify() accepts %s: %q", what, edited)
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

// Each number in an ECDSA signature has 32 bytes, even if the first byte is
// zero (RFC 7518 §3.4). Otherwise the token would have a second spelling.
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
			t.Error("Verify() accepts a signature without its zero byte")
		}
		return
	}
	t.Fatal("no signature with a zero byte in 100,000")
}

// The numbers in one of 128 ECDSA signatures need fewer than 32 bytes.
func TestSign_ShortNumbers(t *testing.T) {
	k := newKey(t, jws.ES256)
	for i := range 1000 {
		token := sign(t, k, jws.AccessToken)
		if _, err := k.Verify(jws.AccessToken, token); err != nil {
			t.Fatalf("token %d does not verify: %v: %s", i, err, token)
		}
	}
}
