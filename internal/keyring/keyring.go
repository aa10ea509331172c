// Package keyring holds the signing keys of a server, their schedule, and the
// secrets that are derived from them.
package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-passport/passport/internal/jws"
)

// Ring holds the server's keys. The first key signs, all keys verify. To
// replace a key by hand, put the new one second, make it first once every node
// has it, and remove the old one when its last token has expired. [Rotate]
// writes a schedule above the keys, so that all of this happens automatically.
// Keys of several algorithms may be in a ring. Each algorithm has its own schedule.
//
// The server also derives its other secrets from the private keys. These
// secrets seal page tickets and cookies, and make codes and refresh tokens. A
// sealed value opens as long as its key is in the ring. Removing a key at once
// invalidates everything that it sealed.
//
// Printed or logged, a Ring shows only key IDs and algorithms.
type Ring struct {
	all      []*jws.Key
	roots    Roots           // of the readable private keys
	terms    map[string]term // by key ID, of the keys that have a schedule
	warnings []string        // passport.New logs them

	// reload reads the keys again from their source. It is nil if they cannot
	// change.
	reload func(context.Context) (*Ring, error)

	view *atomic.Pointer[snapshot] // of the last call of now
}

// Generate returns a ring with a new key of each algorithm, in their order, for tests and
// demos: ES256 without one. Everything that the keys signed or sealed becomes invalid when
// the process ends.
func Generate(algs ...string) (*Ring, error) {
	if len(algs) == 0 {
		algs = []string{jws.ES256}
	}
	var b builder
	for _, alg := range algs {
		bits := 0
		if alg == jws.RS256 || alg == jws.PS256 {
			bits = jws.MinRSABits // the process ends long before such a key is broken
		}
		private, err := generate(alg, bits)
		if err != nil {
			return nil, fmt.Errorf("generate key: %w", err)
		}
		if err := b.addSigner(private, alg); err != nil {
			return nil, fmt.Errorf("generate key: %w", err)
		}
	}
	return b.build()
}

// New returns a ring of the signers' keys, of which the first signs and all
// verify. A key is ECDSA on P-256 (ES256), Ed25519 (EdDSA), or RSA of at least
// 2048 bits (RS256, or PS256 with [PS256]).
//
// A signer may hide its private key, as a KMS or a hardware security module
// does. If the first signer does, Config.Secrets is required.
func New(signers ...crypto.Signer) (*Ring, error) {
	var b builder
	for _, s := range signers {
		alg := ""
		if marked, ok := s.(pssSigner); ok {
			s, alg = marked.signer, jws.PS256
		}
		if err := b.addSigner(s, alg); err != nil {
			return nil, err
		}
	}
	return b.build()
}

// PS256 marks the signer of an RSA key for PS256 (RFC 7518 §3.5). Without the
// mark, [New] uses RS256.
func PS256(signer crypto.Signer) crypto.Signer { return pssSigner{signer} }

type pssSigner struct{ signer crypto.Signer }

// Public implements [crypto.Signer].
func (s pssSigner) Public() crypto.PublicKey { return s.signer.Public() }

// Sign implements [crypto.Signer].
func (s pssSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.signer.Sign(random, digest, opts)
}

// Format implements [fmt.Formatter]. It doesn't show the key.
func (pssSigner) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "passport.PS256") }

// LogValue implements [slog.LogValuer]. It doesn't show the key.
func (pssSigner) LogValue() slog.Value { return slog.StringValue("passport.PS256") }

// builder collects keys for a ring. A key that is added twice counts once, and
// its private half wins.
type builder struct {
	keys       Ring
	publicOnly bool // the current text must not contain a private key
}

func (b *builder) addSigner(signer crypto.Signer, alg string) error {
	if pointer, ok := signer.(*ed25519.PrivateKey); ok && pointer != nil {
		signer = *pointer
	}
	if empty(signer) {
		return errors.New("a private key is empty")
	}
	k, err := jws.New(signer, alg)
	if err != nil {
		return err
	}
	known := b.keys.byID(k.ID)
	if known != nil && known.Signs() {
		return nil
	}
	if err := b.addRoot(k.ID, signer); err != nil {
		return err
	}
	b.keys.all = append(slices.DeleteFunc(b.keys.all, func(other *jws.Key) bool { return other == known }), k)
	return nil
}

func (b *builder) addPublic(public crypto.PublicKey, alg string) error {
	k, err := jws.NewVerifier(public, alg)
	if err != nil {
		return err
	}
	if b.keys.byID(k.ID) == nil {
		b.keys.all = append(b.keys.all, k)
	}
	return nil
}

func (b *builder) build() (*Ring, error) {
	// In a PEM file, public keys may come before the private ones.
	slices.SortStableFunc(b.keys.all, func(x, y *jws.Key) int {
		switch {
		case x.Signs() == y.Signs():
			return 0
		case x.Signs():
			return -1
		}
		return 1
	})
	if len(b.keys.all) == 0 || !b.keys.all[0].Signs() {
		return nil, errors.New("no private key found: create one with `passport keys`")
	}
	keys := &Ring{all: b.keys.all, roots: b.keys.roots, terms: b.keys.terms, warnings: b.keys.warnings, view: new(atomic.Pointer[snapshot])}
	if _, err := keys.viewAt(time.Now()); err != nil {
		return nil, err
	}
	return keys, nil
}

// empty reports whether a standard library key has no content. The standard
// library panics on such keys.
func empty(signer crypto.Signer) bool {
	switch s := signer.(type) {
	case nil:
		return true
	case *ecdsa.PrivateKey:
		return s == nil || *s == (ecdsa.PrivateKey{PublicKey: s.PublicKey})
	case *rsa.PrivateKey:
		return s == nil || s.N == nil || s.D == nil || len(s.Primes) < 2
	case ed25519.PrivateKey:
		return len(s) != ed25519.PrivateKeySize
	case *ed25519.PrivateKey:
		return s == nil
	}
	return false
}

// addRoot adds the root of a readable private key. The root uses the PKCS#8
// form, so that every file format of the key gives the same root.
func (b *builder) addRoot(id string, signer crypto.Signer) error {
	switch signer.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey:
	default:
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return errors.New("the private key is not valid")
	}
	b.keys.roots = append(b.keys.roots, newRoot(id, der))
	return nil
}

// byID returns the key with a kid, or nil.
func (k *Ring) byID(kid string) *jws.Key {
	for _, key := range k.all {
		if key.ID == kid {
			return key
		}
	}
	return nil
}

// Has reports whether a public key is one of the ring's keys, for any algorithm.
func (k *Ring) Has(public crypto.PublicKey) bool {
	if k == nil {
		return false
	}
	return slices.ContainsFunc(k.all, func(key *jws.Key) bool {
		known, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
		return ok && known.Equal(public)
	})
}

// Sign signs claims with the current signing key and returns the token in
// compact form.
func (k *Ring) Sign(typ string, claims any) (string, error) { return k.now().keys[0].Sign(typ, claims) }

// Algorithms returns the algorithms of the private keys, that of access tokens first.
func (k *Ring) Algorithms() (algs []string) {
	v := k.now()
	algs = []string{v.keys[0].Alg}
	for _, key := range v.keys {
		if key.Signs() && !slices.Contains(algs, key.Alg) {
			algs = append(algs, key.Alg)
		}
	}
	return algs
}

// Verify returns the payload of a token that one of the keys signed. It does
// not check the claims.
func (k *Ring) Verify(typ, token string) ([]byte, error) {
	_, payload, err := jws.Verify(k.now().keys, typ, token)
	return payload, err
}

// Validate signs a test token with the signing key of each algorithm, and verifies it. A
// remote signer may not respond, or its private key may not match its public key.
func (k *Ring) Validate() error {
	at := time.Now()
	tried := map[string]bool{}
	for _, key := range k.signers() {
		if tried[key.Alg] {
			continue
		}
		tried[key.Alg] = true
		if err := try(k.current(key.Alg, at)); err != nil {
			return err
		}
	}
	return nil
}

// try signs a test token and verifies it.
func try(signing *jws.Key) error {
	token, err := signing.Sign("passport-trial", struct{}{})
	if err != nil {
		return fmt.Errorf("the key %s cannot sign: %w", signing.ID, err)
	}
	if _, err := signing.Verify("passport-trial", token); err != nil {
		return fmt.Errorf("the private and public halves of the key %s do not match: load two halves that belong together", signing.ID)
	}
	return nil
}

// Derivable reports whether other secrets can be derived from the signing key.
// Other keys do not count, because they will be removed one day.
func (k *Ring) Derivable() bool { return k.roots.byID(k.now().keys[0].ID) != nil }

// JWKS returns the public keys as a JWK set (RFC 7517 §5).
func (k *Ring) JWKS() []byte { return k.now().set }

// String returns the IDs, algorithms and schedules of the keys.
func (k *Ring) String() string {
	if k == nil {
		return "passport.Keys(nil)"
	}
	var names []string
	for _, key := range k.all {
		names = append(names, key.Alg+" "+key.ID+k.terms[key.ID].String())
	}
	return "passport.Keys(" + strings.Join(names, ", ") + ")"
}

// LogValue implements [slog.LogValuer]. It shows no key material.
func (k *Ring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format implements [fmt.Formatter]. It shows no key material.
func (k *Ring) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// Warnings returns warnings for the log, for example about a key file that
// other users may read.
func (k *Ring) Warnings() []string { return k.warnings }

// Empty reports whether the ring is nil or has no keys.
func (k *Ring) Empty() bool { return k == nil || len(k.all) == 0 }
