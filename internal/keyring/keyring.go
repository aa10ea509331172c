// Package keyring holds the keys of a server: which of them signs at a time, and
// what is derived from them.
package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
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

// Ring holds the server's keys: the first signs, all verify. So a new key is put
// second, made first once every node has it, and the old one is taken out when
// the last token that it signed has ended. [Rotate] writes times above the
// keys by which all of that happens by itself.
//
// From the private keys the server derives its other secrets too: what seals the
// tickets of its pages and its cookies, what codes and refresh tokens are made
// from. Whatever was sealed under one key is opened while that key is among
// them. Taking a key out at once ends what it sealed.
//
// However a Ring is printed or logged, they show IDs and algorithms only.
type Ring struct {
	all      []*jws.Key
	roots    Roots           // of those whose private key is readable
	terms    map[string]term // by key ID, of those that have one
	warnings []string        // for passport.New to log

	// reload reads the keys again from where they came; nil if they cannot change.
	reload func(context.Context) (*Ring, error)

	view *atomic.Pointer[snapshot] // of the last time that it was asked for
}

// Generate returns one new ES256 key, for tests and tours: what it signed or
// sealed is worth nothing after the process has ended.
func Generate() (*Ring, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return New(private)
}

// New returns the keys that the signers hold, of which the first signs and
// all verify: ECDSA on P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 bits or
// more (RS256, or PS256 as [PS256] has it).
//
// A signer may keep its private key to itself, in a KMS or a security module.
// If the first one does, Config.Secrets is required.
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

// PS256 returns the signer of an RSA key with a mark that it is to sign with
// PS256 (RFC 7518 §3.5), where [New] takes RS256 otherwise.
func PS256(signer crypto.Signer) crypto.Signer { return pssSigner{signer} }

type pssSigner struct{ signer crypto.Signer }

// Public implements [crypto.Signer].
func (s pssSigner) Public() crypto.PublicKey { return s.signer.Public() }

// Sign implements [crypto.Signer].
func (s pssSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.signer.Sign(random, digest, opts)
}

// Format implements [fmt.Formatter]: nothing of the key.
func (pssSigner) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "passport.PS256") }

// LogValue implements [slog.LogValuer]: nothing of the key.
func (pssSigner) LogValue() slog.Value { return slog.StringValue("passport.PS256") }

// builder gathers keys. One that comes twice counts once, the first time
// that it can sign.
type builder struct{ keys Ring }

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
	// Keys that only verify may have come first, in a file of many.
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
		return nil, errors.New("there is no private key among the keys: make one with `passport keys`")
	}
	keys := &Ring{all: b.keys.all, roots: b.keys.roots, terms: b.keys.terms, warnings: b.keys.warnings, view: new(atomic.Pointer[snapshot])}
	if _, err := keys.viewAt(time.Now()); err != nil {
		return nil, err
	}
	return keys, nil
}

// empty reports whether a key of the standard library has nothing in it, which
// the library itself meets with a panic.
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

// addRoot adds the root of a private key that is readable. It is the PKCS#8
// form, so that every way of writing the key to a file gives the same.
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

// Sign returns the compact form of claims under the key whose turn it is.
func (k *Ring) Sign(typ string, claims any) (string, error) { return k.now().keys[0].Sign(typ, claims) }

// Verify returns the payload of a token that one of the keys signed.
func (k *Ring) Verify(typ, token string) ([]byte, error) {
	_, payload, err := jws.Verify(k.now().keys, typ, token)
	return payload, err
}

// Validate signs something and verifies it: a signer may be out of reach, or
// hold another private key than it says.
func (k *Ring) Validate() error {
	signing := k.now().keys[0]
	token, err := signing.Sign("passport-trial", struct{}{})
	if err != nil {
		return fmt.Errorf("the key %s cannot sign: %w", signing.ID, err)
	}
	if _, err := signing.Verify("passport-trial", token); err != nil {
		return fmt.Errorf("the key %s signs what its public half does not verify: load the two that belong together", signing.ID)
	}
	return nil
}

// Derivable reports whether other secrets can be derived from the key that
// signs. Those of further keys do not count, for these will be taken out.
func (k *Ring) Derivable() bool { return k.roots.byID(k.now().keys[0].ID) != nil }

// JWKS returns the public keys as a JWK set (RFC 7517 §5).
func (k *Ring) JWKS() []byte { return k.now().set }

// String names the keys without showing any.
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

// LogValue implements [slog.LogValuer]: IDs and algorithms, never a key.
func (k *Ring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Format implements [fmt.Formatter]: IDs and algorithms, never a key.
func (k *Ring) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// Warnings are for the log.
func (k *Ring) Warnings() []string { return k.warnings }

// Empty reports whether there are no keys.
func (k *Ring) Empty() bool { return k == nil || len(k.all) == 0 }
