package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
)

// The algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	ES256 = "ES256"
	RS256 = "RS256"
	PS256 = "PS256"
	EdDSA = "EdDSA"
)

// MinRSABits is the minimum length of an RSA key (RFC 7518 §3.3).
const MinRSABits = 2048

// Key signs and verifies with one algorithm, or only verifies.
type Key struct {
	ID  string // the kid: the key's thumbprint (RFC 7638)
	Alg string

	// sign is nil if the key only verifies. It is a func, so that no way of
	// printing a Key shows the private half.
	sign func(input []byte) ([]byte, error)

	public crypto.PublicKey
	scheme scheme
	jwk    JWK
	header string // of an access token, encoded
}

// JWK is the public half of a key as a JSON Web Key (RFC 7517 §4).
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// New returns a key that signs and verifies. It accepts ECDSA on P-256,
// Ed25519, and RSA of at least [MinRSABits]. An empty alg is ES256, EdDSA or
// RS256.
func New(signer crypto.Signer, alg string) (*Key, error) {
	k, err := NewVerifier(signer.Public(), alg)
	if err != nil {
		return nil, err
	}
	k.sign = func(input []byte) ([]byte, error) { return k.scheme.sign(signer, input) }
	return k, nil
}

// NewVerifier is like [New] for a key that only verifies.
func NewVerifier(public crypto.PublicKey, alg string) (*Key, error) {
	jwk, algs, err := publicJWK(public)
	if err != nil {
		return nil, err
	}
	if alg == "" {
		alg = algs[0]
	}
	scheme, ok := schemes[alg]
	if !ok || alg != algs[0] && alg != algs[len(algs)-1] {
		return nil, fmt.Errorf("an %s key cannot be used with this algorithm", jwk.Kty)
	}
	thumbprint := sha256.Sum256(jwk.canonical())
	jwk.Kid, jwk.Use, jwk.Alg = b64(thumbprint[:]), "sig", alg
	k := &Key{ID: jwk.Kid, Alg: alg, public: public, scheme: scheme, jwk: jwk}
	k.header = k.headerFor(AccessToken)
	return k, nil
}

// publicJWK returns the JWK members of a public key, and the algorithms that it
// can be used with, the default first.
func publicJWK(public crypto.PublicKey) (JWK, []string, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p == nil || *p == (ecdsa.PublicKey{Curve: p.Curve}) {
			return JWK{}, nil, errors.New("the ECDSA key is empty")
		}
		if p.Curve != elliptic.P256() {
			return JWK{}, nil, errors.New("the ECDSA key is not on the curve P-256")
		}
		point, err := p.Bytes() // 4 || X || Y; Bytes checks that the point is on the curve
		if err != nil {
			return JWK{}, nil, errors.New("the ECDSA key is not valid")
		}
		return JWK{Kty: "EC", Crv: "P-256", X: b64(point[1:33]), Y: b64(point[33:])}, []string{ES256}, nil
	case *rsa.PublicKey:
		if p == nil || p.N == nil || p.N.BitLen() < MinRSABits {
			return JWK{}, nil, fmt.Errorf("the RSA key is shorter than %d bits", MinRSABits)
		}
		return JWK{Kty: "RSA", N: b64(p.N.Bytes()), E: b64(big.NewInt(int64(p.E)).Bytes())}, []string{RS256, PS256}, nil
	case ed25519.PublicKey:
		if len(p) != ed25519.PublicKeySize {
			return JWK{}, nil, errors.New("the Ed25519 key is not valid")
		}
		return JWK{Kty: "OKP", Crv: "Ed25519", X: b64(p)}, []string{EdDSA}, nil
	}
	return JWK{}, nil, fmt.Errorf("keys of type %T are not supported: use ECDSA on P-256, Ed25519 or RSA", public)
}

// canonical returns the input of the thumbprint: the required members, sorted
// by name (RFC 7638 §3.2, RFC 8037 §2).
func (j JWK) canonical() []byte {
	switch j.Kty {
	case "EC":
		return []byte(`{"crv":"` + j.Crv + `","kty":"EC","x":"` + j.X + `","y":"` + j.Y + `"}`)
	case "RSA":
		return []byte(`{"e":"` + j.E + `","kty":"RSA","n":"` + j.N + `"}`)
	}
	return []byte(`{"crv":"` + j.Crv + `","kty":"OKP","x":"` + j.X + `"}`)
}

// JWK returns the public half of the key.
func (k *Key) JWK() JWK { return k.jwk }

// Public returns the public half of the key in the standard library's type.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Signs reports whether the key can sign.
func (k *Key) Signs() bool { return k.sign != nil }

// headerFor returns the encoded header of a token with the given typ.
func (k *Key) headerFor(typ string) string {
	if typ == AccessToken && k.header != "" {
		return k.header
	}
	id, _ := json.Marshal(k.ID) // a string
	return b64([]byte(`{"alg":"` + k.Alg + `","kid":` + string(id) + `,"typ":"` + typ + `"}`))
}

// LogValue implements [slog.LogValuer]. It shows the ID and algorithm.
func (k *Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kid", k.ID), slog.String("alg", k.Alg))
}

// Format implements [fmt.Formatter]. It shows the ID and algorithm.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "jws.Key(%s %s)", k.Alg, k.ID) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
