package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
)

// mostRSABits is the length of the longest RSA key that [FromJWK] accepts. A longer one
// only costs time.
const mostRSABits = 8192

// FromJWK returns a key that verifies, from its JWK. Kid is its ID; the thumbprint if it
// is empty. Alg may be empty, as in [NewVerifier].
func FromJWK(j JWK) (*Key, error) {
	public, err := j.public()
	if err != nil {
		return nil, err
	}
	key, err := NewVerifier(public, j.Alg)
	if err != nil || j.Kid == "" {
		return key, err
	}
	return key.withID(j.Kid), nil
}

// withID returns the key under another ID, for a server whose IDs are not thumbprints.
func (k *Key) withID(id string) *Key {
	if id == k.ID {
		return k
	}
	named := *k
	named.ID, named.jwk.Kid, named.header = id, id, ""
	named.header = named.headerFor(AccessToken)
	return &named
}

// public returns the public key in the standard library's type (RFC 7518 §6, RFC 8037
// §2).
func (j JWK) public() (crypto.PublicKey, error) {
	switch j.Kty + " " + j.Crv {
	case "EC P-256":
		x, errX := decode(j.X)
		y, errY := decode(j.Y)
		if errX != nil || errY != nil || len(x) != coordinate || len(y) != coordinate {
			return nil, errors.New("the JWK has no coordinates of P-256")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytes.Join([][]byte{{4}, x, y}, nil))
	case "OKP Ed25519":
		x, err := decode(j.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("the JWK has no key of Ed25519")
		}
		return ed25519.PublicKey(x), nil
	case "RSA ":
		return j.rsa()
	}
	return nil, errors.New("the JWK is not RSA, P-256 or Ed25519")
}

func (j JWK) rsa() (crypto.PublicKey, error) {
	n, errN := decode(j.N)
	e, errE := decode(j.E)
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	const longestExponent = 31 // bits, as in crypto/rsa
	switch {
	case errN != nil || errE != nil:
		return nil, errors.New("the JWK has no modulus and exponent in base64url")
	case modulus.BitLen() > mostRSABits || modulus.Bit(0) == 0:
		return nil, errors.New("the modulus is even, or too long")
	case exponent.BitLen() < 2 || exponent.BitLen() > longestExponent || exponent.Bit(0) == 0:
		return nil, errors.New("the exponent is even, 1, or too long")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}
