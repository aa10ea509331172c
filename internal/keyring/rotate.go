package keyring

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/pemtext"
	"github.com/go-passport/passport/internal/textfile"
)

// Rotation says how [Rotate] replaces a signing key.
type Rotation struct {
	// Alg is the algorithm of the new key. Default: the algorithm of the key that it
	// replaces. Bits is the length of an RSA key, as in [Write].
	Alg  string
	Bits int

	// Replaces is the algorithm of the key that the new key replaces. Keys of other
	// algorithms stay as they are. Default: Alg, or else the algorithm of the key that
	// signs access tokens.
	Replaces string

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
// published at once and signs after r.Publish. The key that it replaces is
// removed r.Overlap later. The times are written above the keys, so that every
// node that reads them switches at the same moment, without coordination. Keys
// whose time has ended are removed.
//
// If a new key of the algorithm is already waiting to sign, Rotate returns
// [ErrRotating].
func Rotate(text []byte, r Rotation) ([]byte, *Rotated, error) {
	out, done, err := rotate(text, r)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	return out, done, nil
}

func rotate(text []byte, r Rotation) ([]byte, *Rotated, error) {
	at := time.Now().UTC().Truncate(time.Second)
	r.Publish = cmp.Or(r.Publish, time.Hour)
	if r.Overlap <= 0 || r.Publish < 0 {
		return nil, nil, errors.New("the overlap is missing: set Overlap to the longest lifetime of a token or sealed value")
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, nil, err
	}
	first := keys.first(at)
	r.Replaces = cmp.Or(r.Replaces, r.Alg, first)
	r.Alg = cmp.Or(r.Alg, r.Replaces)
	if err := cmp.Or(checkAlg(r.Alg), checkAlg(r.Replaces)); err != nil {
		return nil, nil, err
	}
	if keys.current(r.Replaces, at) == nil {
		return nil, nil, fmt.Errorf("there is no %[1]s key to replace: add one with `passport keys add --alg %[1]s`, or replace the %[2]s key with `passport keys rotate --alg %[1]s --replace %[2]s`", r.Replaces, first)
	}
	if err := keys.waiting(at, r.Alg, r.Replaces); err != nil {
		return nil, nil, err
	}
	private, id, err := generateOne(r.Alg, r.Bits)
	if err != nil {
		return nil, nil, err
	}
	done := &Rotated{KeyID: id, UseFrom: at.Add(r.Publish), Retires: at.Add(r.Publish + r.Overlap)}
	plan := retirement{keys: keys, alg: r.Replaces, fresh: withTerm(private, term{from: done.UseFrom}), rotated: done}
	out, err := plan.apply(pemBlocks(text), at)
	return out, done, err
}

// waiting returns [ErrRotating] if a key of one of the algorithms has not begun to sign.
func (k *Ring) waiting(at time.Time, algs ...string) error {
	for _, key := range k.signers() {
		if t := k.terms[key.ID]; slices.Contains(algs, key.Alg) && !t.begun(at) {
			return fmt.Errorf("the key %s begins to sign at %s: %w", key.ID, t.from.Format(time.RFC3339), ErrRotating)
		}
	}
	return nil
}

// generateOne returns a new private key in PEM, and its ID.
func generateOne(alg string, bits int) (private []byte, id string, err error) {
	private, _, err = generatePEM(alg, bits)
	if err != nil {
		return nil, "", err
	}
	fresh, err := Parse(private)
	if err != nil {
		return nil, "", err
	}
	return private, fresh.all[0].ID, nil
}

// retirement replaces the signing key of one algorithm in a PEM text.
type retirement struct {
	keys    *Ring
	alg     string // whose keys end
	fresh   []byte // the new key, in PEM
	rotated *Rotated
}

// apply returns the text with the new key before the first key that it replaces. So it
// is the first key only if it replaces that. Each block of a key that stays has the time
// of its removal above it.
func (p *retirement) apply(blocks [][]byte, at time.Time) (out []byte, err error) {
	signing := p.keys.signing(at)
	placed := false
	for _, block := range blocks {
		var one builder
		if err := one.addPEM(block); err != nil {
			return nil, err
		}
		if len(one.keys.all) == 0 { // parameters of a curve, without a key
			continue
		}
		key := one.keys.all[0]
		replaced := key.Signs() && key.Alg == p.alg
		if replaced && !placed {
			out, placed = append(out, p.fresh...), true
		}
		t := p.keys.terms[key.ID]
		switch {
		case t.ended(at) && key.ID != signing.ID:
			p.rotated.Retired = append(p.rotated.Retired, key.ID)
			continue
		case t.until.IsZero() && replaced:
			t.until = p.rotated.Retires
		}
		out = append(out, withTerm(block, t)...)
	}
	return out, nil
}

// Add returns the PEM text of the keys with a new key of an algorithm that no private key
// of the text has, and the ID of the new key. The new key is the last: it signs no access
// tokens. If the text has a private key of the algorithm, Add returns [ErrKeyExists].
func Add(text []byte, alg string, bits int) (out []byte, id string, err error) {
	keys, err := Parse(text)
	if err != nil {
		return nil, "", fmt.Errorf("add a key: %w", err)
	}
	if err := checkAlg(alg); err != nil {
		return nil, "", fmt.Errorf("add a key: %w", err)
	}
	if key := keys.current(alg, time.Now()); key != nil {
		return nil, "", fmt.Errorf("add a key: %w: the %s key %s; replace it with `passport keys rotate --alg %[2]s`", ErrKeyExists, alg, key.ID)
	}
	private, id, err := generateOne(alg, bits)
	if err != nil {
		return nil, "", fmt.Errorf("add a key: %w", err)
	}
	for _, block := range pemBlocks(text) {
		out = append(out, block...)
	}
	return append(endLine(out), private...), id, nil
}

// endLine ends the last line of a text.
func endLine(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return append(text, '\n')
	}
	return text
}

// ErrRotating is the error of [Rotate] when a new key is already waiting to
// sign.
var ErrRotating = errors.New("a new key is waiting for its turn; rotate again when it signs")

// ErrKeyExists is the error of [Add] if there is a key of the algorithm.
var ErrKeyExists = errors.New("there is a key of this algorithm already")

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
func RotateFiles(dir string, r Rotation) (done *Rotated, err error) {
	err = changeFiles(dir, func(text []byte) (out []byte, err error) {
		out, done, err = rotate(text, r)
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return done, nil
}

// AddToFiles is [Add] for the keys in a directory, as [RotateFiles] is for [Rotate].
func AddToFiles(dir, alg string, bits int) (id string, err error) {
	err = changeFiles(dir, func(text []byte) (out []byte, err error) {
		out, id, err = Add(text, alg, bits)
		return out, err
	})
	return id, err
}

// changeFiles changes the keys in a directory. Concurrent calls run one after the other.
func changeFiles(dir string, change func(text []byte) ([]byte, error)) error {
	dir = cmp.Or(dir, ".")
	name := filepath.Join(dir, privateKeyFile)
	if _, err := textfile.Read(name); err != nil {
		return withRemedy(dir, err)
	}
	return locked(name, 0, func() error {
		text, err := textfile.Read(name)
		if err != nil { // another change may have just ended
			return err
		}
		out, err := change(text)
		if err != nil {
			return err
		}
		public, err := publicPEM(out)
		if err != nil {
			return err
		}
		// The private file is written first. A public key without its private half
		// still verifies, and would do so forever.
		return errors.Join(writeWhole(name, out, 0o600, true), writeWhole(filepath.Join(dir, publicKeyFile), public, 0o644, true))
	})
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
