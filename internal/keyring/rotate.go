package keyring

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/pemtext"
	"github.com/go-passport/passport/internal/textfile"
)

// Rotation says how [Rotate] replaces the signing key.
type Rotation struct {
	// Alg and Bits are the algorithm and length of the new key, as in [Write].
	Alg  string
	Bits int

	// Publish is the time between publishing the new key and its first
	// signature. It must be longer than a node takes to read the new key, and
	// longer than clients cache the public keys, which the server allows for
	// five minutes. Default: one hour.
	Publish time.Duration

	// Overlap is how long the old key is kept after its last signature: the
	// longest lifetime of a token or sealed value, which the server's
	// LongestLife returns. Required.
	Overlap time.Duration
}

// Rotated is the result of [Rotate].
type Rotated struct {
	KeyID   string    // of the new key
	UseFrom time.Time // when the new key begins to sign
	Retired []string  // IDs of the keys that were removed
	Retires time.Time // when the current signing key will be removed
}

// Rotate returns the PEM text of the keys with a new key. The new key is
// published at once and signs after r.Publish. The current signing key is
// removed r.Overlap later. The times are written above the keys, so that every
// node that reads them switches at the same moment, without coordination. Keys
// whose time has ended are removed.
//
// If a new key is already waiting to sign, Rotate returns [ErrRotating].
func Rotate(text []byte, r Rotation) ([]byte, *Rotated, error) {
	at := time.Now().UTC().Truncate(time.Second)
	r.Publish = cmp.Or(r.Publish, time.Hour)
	if r.Overlap <= 0 || r.Publish < 0 {
		return nil, nil, errors.New("rotate keys: Overlap is missing: set it to the longest lifetime of a token or sealed value")
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	for id, t := range keys.terms {
		if !t.begun(at) {
			return nil, nil, fmt.Errorf("rotate keys: the key %s begins to sign at %s: %w", id, t.from.Format(time.RFC3339), ErrRotating)
		}
	}
	private, _, err := generatePEM(cmp.Or(r.Alg, jws.ES256), r.Bits)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	fresh, err := Parse(private)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	done := &Rotated{KeyID: fresh.all[0].ID, UseFrom: at.Add(r.Publish), Retires: at.Add(r.Publish + r.Overlap)}
	old, err := done.retire(keys, pemBlocks(text), at)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	return append(withTerm(private, term{from: done.UseFrom}), old...), done, nil
}

// retire returns the blocks of the keys that stay, each with the time of its
// removal above it.
func (r *Rotated) retire(keys *Ring, blocks [][]byte, at time.Time) (out []byte, err error) {
	signing := keys.signing(at)
	for _, block := range blocks {
		var one builder
		if err := one.addPEM(block); err != nil {
			return nil, err
		}
		if len(one.keys.all) == 0 { // parameters of a curve, without a key
			continue
		}
		id := one.keys.all[0].ID
		t := keys.terms[id]
		switch {
		case t.ended(at) && id != signing.ID:
			r.Retired = append(r.Retired, id)
			continue
		case t.until.IsZero() && one.keys.all[0].Signs():
			t.until = r.Retires
		}
		out = append(out, withTerm(block, t)...)
	}
	return out, nil
}

// ErrRotating is the error of [Rotate] when a new key is already waiting to
// sign.
var ErrRotating = errors.New("a new key is waiting for its turn; rotate again when it signs")

// pemBlocks returns the blocks of a PEM text, each with the lines above it.
func pemBlocks(text []byte) (blocks [][]byte) {
	rest := []byte(pemtext.Normalize(text))
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			return blocks
		}
		blocks = append(blocks, rest[:len(rest)-len(after)])
		rest = after
	}
}

// withTerm returns a block with t above it, in place of the block's previous
// term.
func withTerm(block []byte, t term) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(string(block)) {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, useFromLine) || strings.HasPrefix(line, retireAfterLine) {
			continue
		}
		if strings.HasPrefix(line, "-----BEGIN ") {
			if !t.from.IsZero() {
				fmt.Fprintln(&b, useFromLine, t.from.Format(time.RFC3339))
			}
			if !t.until.IsZero() {
				fmt.Fprintln(&b, retireAfterLine, t.until.Format(time.RFC3339))
			}
		}
		b.WriteString(strings.TrimRight(line, "\r\n") + "\n")
	}
	return b.Bytes()
}

// RotateFiles is [Rotate] for the keys in a directory, as [Load] reads them. It
// adds the new key to oauth-private.key and writes the public halves of its
// keys to oauth-public.key. Concurrent readers see either the old or the new
// version of each file.
func RotateFiles(dir string, r Rotation) (*Rotated, error) {
	dir = cmp.Or(dir, ".")
	name := filepath.Join(dir, privateKeyFile)
	_, err := textfile.Read(name)
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", withRemedy(dir, err))
	}
	var done *Rotated
	err = locked(name, 0, func() error {
		done, err = rotateFiles(dir, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return done, nil
}

// rotateFiles is [RotateFiles] for a caller that holds the lock.
func rotateFiles(dir string, r Rotation) (*Rotated, error) {
	name := filepath.Join(dir, privateKeyFile)
	text, err := textfile.Read(name)
	if err != nil { // another rotation may have just ended
		return nil, err
	}
	out, done, err := Rotate(text, r)
	if err != nil {
		return nil, err
	}
	public, err := publicPEM(out)
	if err != nil {
		return nil, err
	}
	// The private file is written first. A public key without its private half
	// still verifies, and would do so forever.
	return done, errors.Join(writeWhole(name, out, 0o600, true), writeWhole(filepath.Join(dir, publicKeyFile), public, 0o644, true))
}

// publicPEM returns the public halves of the keys in a PEM text, each with the
// time of its removal. Without this time, a retired key would verify again
// if this file is still the old one after its private half was removed.
func publicPEM(text []byte) ([]byte, error) {
	var b builder
	if err := b.addPEM(text); err != nil {
		return nil, fmt.Errorf("encode public keys: %w", err)
	}
	var out bytes.Buffer
	for _, key := range b.keys.all {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, fmt.Errorf("encode public keys: %w", err)
		}
		if key.Alg == jws.PS256 { // an RSA key does not name its algorithm
			fmt.Fprintln(&out, algLine, key.Alg)
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		out.Write(withTerm(block, term{until: b.keys.terms[key.ID].until}))
	}
	return out.Bytes(), nil
}
