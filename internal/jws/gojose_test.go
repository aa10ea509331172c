package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/go-passport/passport/internal/jws"
)

// gojose verifies a token with go-jose.
func gojose(public crypto.PublicKey, alg, token string) ([]byte, error) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return nil, err
	}
	return parsed.Verify(public)
}

func TestSign_GoJoseVerifies(t *testing.T) {
	for _, alg := range algorithms {
		k := newKey(t, alg)
		payload, err := gojose(k.Public(), alg, sign(t, k, jws.AccessToken))
		if err != nil || string(payload) != `{"iss":"https://app.example.com","jti":"1"}` {
			t.Errorf("%s: go-jose's payload = %s, %v", alg, payload, err)
		}
	}
}

func TestVerify_GoJoseSigned(t *testing.T) {
	for _, alg := range algorithms {
		k := newKey(t, alg)
		signer, err := jose.NewSigner(
			jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: signers()[alg], KeyID: k.ID}},
			(&jose.SignerOptions{}).WithType(jws.AccessToken))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(`{"jti":"1"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := k.Verify(jws.AccessToken, token); err != nil || string(payload) != `{"jti":"1"}` {
			t.Errorf("%s: Verify = %s, %v", alg, payload, err)
		}
	}
}

// The published JWK has public members only, with kid, use and alg (RFC 7517
// §4, §9.3), and go-jose can read it.
func TestKey_JK_01_JWK(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			k := newKey(t, alg)
			text, err := json.Marshal(k.JWK())
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]string
			if err := json.Unmarshal(text, &members); err != nil {
				t.Fatal(err)
			}
			public := []string{"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}
			for name := range members {
				if !slices.Contains(public, name) {
					t.Errorf("the JWK has the member %q: %s", name, text)
				}
			}
			if members["kid"] != k.ID || members["use"] != "sig" || members["alg"] != alg {
				t.Errorf("kid, use or alg is wrong: %s", text)
			}
			var other jose.JSONWebKey
			if err := other.UnmarshalJSON(text); err != nil {
				t.Fatalf("go-jose does not read %s: %v", text, err)
			}
			if !other.Valid() || !other.IsPublic() {
				t.Errorf("go-jose does not accept %s as a valid public key", text)
			}
			if !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(other.Key) {
				t.Errorf("go-jose reads a different key from %s", text)
			}
			thumbprint, err := other.Thumbprint(crypto.SHA256)
			if err != nil || b64(thumbprint) != k.ID {
				t.Errorf("go-jose's thumbprint = %s, ours = %s", b64(thumbprint), k.ID)
			}
		})
	}
}

// A coordinate keeps its leading zero byte (RFC 7518 §6.2.1.2).
func TestKey_JWKOfShortCoordinate(t *testing.T) {
	for i := range int64(2000) {
		scalar := big.NewInt(i + 1).FillBytes(make([]byte, 32))
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
		if err != nil {
			t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] != 0 {
			continue
		}
		k, err := jws.New(private, "")
		if err != nil {
			t.Fatal(err)
		}
		if x := k.JWK().X; len(x) != 43 {
			t.Errorf("x = %q, want 32 bytes in base64url", x)
		}
		return
	}
	t.Fatal("found no key with a short coordinate")
}

func TestKey_JK_02_ThumbprintsOfTheRFCs(t *testing.T) {
	decode := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tests := []struct {
		source string
		public crypto.PublicKey
		want   string
	}{
		{"RFC 7638 §3.1", &rsa.PublicKey{E: 65537, N: new(big.Int).SetBytes(decode(
			"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"))},
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037 §A.3", ed25519.PublicKey(decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	}
	for _, tt := range tests {
		k, err := jws.NewVerifier(tt.public, "")
		if err != nil || k.ID != tt.want {
			t.Errorf("%s: NewVerifier() = %v, %v, want the thumbprint %s", tt.source, k, err, tt.want)
		}
	}
}

// FuzzVerify feeds arbitrary tokens, and arbitrary headers and payloads with a
// valid signature. Every token that Verify accepts, go-jose must accept with
// the same payload.
func FuzzVerify(f *testing.F) {
	const alg = jws.EdDSA // the fastest
	k := newKey(f, alg)
	own := sign(f, k, jws.AccessToken)
	f.Add(own, []byte(`{"alg":"EdDSA","kid":"KID","typ":"at+jwt"}`), []byte(`{}`))
	f.Add(own+".", []byte(`{"alg":"EdDSA","kid":"KID","typ":"application/at+jwt","x":1}`), []byte(`{}`))
	f.Add(own[:len(own)-1], []byte(`{"alg":"none","alg":"EdDSA","kid":"KID","typ":"at+jwt"}`), []byte(nil))
	f.Add(strings.Repeat(".", 100), []byte(`{"crit":["x"],"alg":"EdDSA","kid":"KID","typ":"at+jwt","jwk":{}}`), []byte(`x`))
	f.Fuzz(func(t *testing.T, token string, header, payload []byte) {
		// each process has another key
		header = bytes.ReplaceAll(header, []byte("KID"), []byte(k.ID))
		for _, token := range []string{token, forge(t, alg, string(header), payload)} {
			got, err := k.Verify(jws.AccessToken, token)
			if err != nil {
				if got != nil {
					t.Fatalf("Verify(%q) = %q with the error %v", token, got, err)
				}
				continue
			}
			want, err := gojose(k.Public(), alg, token)
			if err != nil {
				t.Fatalf("Verify(%q) = %q, but go-jose refuses it: %v", token, got, err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("Verify(%q) = %q, go-jose's payload = %q", token, got, want)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(alg, func(b *testing.B) {
			k := newKey(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				sign(b, k, jws.AccessToken)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		for _, header := range []string{"own header", "other header"} {
			b.Run(fmt.Sprintf("%s/%s", alg, header), func(b *testing.B) {
				k := newKey(b, alg)
				token := sign(b, k, jws.AccessToken)
				if header == "other header" {
					token = forge(b, alg, fmt.Sprintf(`{"typ":"at+jwt","alg":%q,"kid":%q}`, alg, k.ID), []byte(`{"jti":"1"}`))
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := k.Verify(jws.AccessToken, token); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
