package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"slices"
)

// scheme has an algorithm's functions to sign and verify.
type scheme struct {
	opts  crypto.SignerOpts // a hash to sign a digest, 0 to sign the message
	check func(public crypto.PublicKey, digest, signature []byte) bool
	raw   func(signature []byte) ([]byte, error) // converts the signer's form to the token's form; nil if they are the same
}

// pss has the parameters that PS256 requires (RFC 7518 §3.5).
var pss = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}

var schemes = map[string]scheme{
	ES256: {opts: crypto.SHA256, raw: rawSignature, check: func(public crypto.PublicKey, digest, signature []byte) bool {
		return len(signature) == 2*coordinate && ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest, derSignature(signature))
	}},
	RS256: {opts: crypto.SHA256, check: func(public crypto.PublicKey, digest, signature []byte) bool {
		return rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, digest, signature) == nil
	}},
	PS256: {opts: pss, check: func(public crypto.PublicKey, digest, signature []byte) bool {
		return rsa.VerifyPSS(public.(*rsa.PublicKey), crypto.SHA256, digest, signature, pss) == nil
	}},
	EdDSA: {opts: crypto.Hash(0), check: func(public crypto.PublicKey, message, signature []byte) bool {
		return ed25519.Verify(public.(ed25519.PublicKey), message, signature)
	}},
}

// digest returns the bytes to sign for a token's first two parts: their
// SHA-256, or the parts themselves for Ed25519, which hashes internally.
func (s scheme) digest(input []byte) []byte {
	if s.opts.HashFunc() == 0 {
		return input
	}
	sum := sha256.Sum256(input)
	return sum[:]
}

func (s scheme) sign(signer crypto.Signer, input []byte) ([]byte, error) {
	signature, err := signer.Sign(rand.Reader, s.digest(input), s.opts)
	if err != nil || s.raw == nil {
		return signature, err
	}
	return s.raw(signature)
}

func (s scheme) verify(public crypto.PublicKey, input, signature []byte) bool {
	return s.check(public, s.digest(input), signature)
}

// coordinate is the length of each half of an ES256 signature (RFC 7518 §3.4).
const coordinate = 32

const (
	derInteger  = 0x02
	derSequence = 0x30
)

// rawSignature converts an ECDSA signature from the DER form of a
// crypto.Signer, a sequence of two integers, to the two halves of RFC 7518
// §3.4.
func rawSignature(der []byte) ([]byte, error) {
	fault := errors.New("the signer did not return a P-256 signature")
	if len(der) < 2 || der[0] != derSequence || int(der[1]) != len(der)-2 {
		return nil, fault
	}
	raw, rest := make([]byte, 2*coordinate), der[2:]
	for _, half := range [][]byte{raw[:coordinate], raw[coordinate:]} {
		if len(rest) < 2 || rest[0] != derInteger || int(rest[1]) > len(rest)-2 {
			return nil, fault
		}
		number := rest[2 : 2+int(rest[1])]
		rest = rest[2+len(number):]
		if len(number) == coordinate+1 && number[0] == 0 {
			number = number[1:] // DER prepends a zero byte to a number whose first bit is set
		}
		if len(number) > coordinate {
			return nil, fault
		}
		copy(half[coordinate-len(number):], number)
	}
	if len(rest) != 0 {
		return nil, fault
	}
	return raw, nil
}

// derSignature is the reverse of [rawSignature].
func derSignature(raw []byte) []byte {
	der := make([]byte, 2, 2+2*(3+coordinate))
	for half := range slices.Chunk(raw, coordinate) {
		for len(half) > 1 && half[0] == 0 {
			half = half[1:]
		}
		if half[0]&0x80 != 0 {
			der = append(der, derInteger, byte(len(half)+1), 0)
		} else {
			der = append(der, derInteger, byte(len(half)))
		}
		der = append(der, half...)
	}
	der[0], der[1] = derSequence, byte(len(der)-2)
	return der
}
