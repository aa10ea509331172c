package keyring

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/jws"
)

// Rotation says how [Rotate] replaces the key that signs.
type Rotation struct {
	// Alg and Bits are those of the new key, as for [Write].
	Alg  string
	Bits int

	// Publish is how long the new key is known before it signs: longer than every
	// node takes to read it and than clients keep the public keys, for which
	// the server allows five minutes. One hour by default.
	Publish time.Duration

	// Overlap is how long the old key is known after it has signed for the last
	// time: as long as the longest of what it signed or sealed lives.
	// [Server.LongestLife] is that. Required.
	Overlap time.Duration
}

// Rotated is what [Rotate] did.
type Rotated struct {
	KeyID   string    // of the new key
	UseFrom time.Time // when it begins to sign
	Retired []string  // IDs of the keys that are gone
	Retires time.Time // when the key is gone that signs until then
}

// Rotate returns the PEM text of some keys with a new one, which is published
// at once and signs after a while; the one that signs until then is gone after
// another while. The times stand above the keys, so that every server that reads
// them changes at the same moment, without being told. Keys that are due to go are
// taken out.
//
// While a new key waits for its turn there is no other: that is [ErrRotating].
func Rotate(text []byte, r Rotation) ([]byte, *Rotated, error) {
	at := time.Now().UTC().Truncate(time.Second)
	r.Publish = cmp.Or(r.Publish, time.Hour)
	if r.Overlap <= 0 || r.Publish < 0 {
		return nil, nil, errors.New("rotate keys: Overlap is missing: how long what the old key signed may live")
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

// retire returns the blocks of keys that stay, with the time above each at which
// it goes.
func (r *Rotated) retire(keys *Ring, blocks [][]byte, at time.Time) (out []byte, err error) {
	signing := keys.signing(at)
	for _, block := range blocks {
		var one builder
		if err := one.addPEM(block); err != nil {
			return nil, err
		}
		if len(one.keys.all) == 0 { // parameters of a curve
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

// ErrRotating says that a new key is waiting for its turn.
var ErrRotating = errors.New("a new key is waiting for its turn; rotate again when it signs")

// pemBlocks returns each block of a PEM text with the lines above it.
func pemBlocks(text []byte) (blocks [][]byte) {
	rest := []byte(unescape(string(text)))
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			return blocks
		}
		blocks = append(blocks, rest[:len(rest)-len(after)])
		rest = after
	}
}

// withTerm returns a block with its term above it, in place of the one that it had.
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

// RotateFiles is [Rotate] for the keys in a directory, as [Load] reads
// them: oauth-private.key gets the new key, and the public halves of all of its
// keys stand in oauth-public.key. Whoever reads the files meanwhile sees those of
// before or those of afterwards.
func RotateFiles(dir string, r Rotation) (*Rotated, error) {
	dir = cmp.Or(dir, ".")
	name := filepath.Join(dir, privateKeyFile)
	text, err := readKeyFile(name)
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	if _, err := os.Lstat(name + ".lock"); err == nil {
		return nil, fmt.Errorf("rotate keys: %s.lock is there: another rotation is at work, or was broken off; in that case remove the file", name)
	}
	if err := createNew(name+".lock", nil, 0o600); err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	defer func() { _ = os.Remove(name + ".lock") }()
	out, done, err := Rotate(text, r)
	if err != nil {
		return nil, err
	}
	public, err := publicPEM(out)
	if err != nil {
		return nil, err
	}
	// The private file first: a public key without its private half verifies too,
	// and would do so for ever.
	if err := errors.Join(writeWhole(name, out, 0o600, true), writeWhole(filepath.Join(dir, publicKeyFile), public, 0o644, true)); err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return done, nil
}

// publicPEM returns the public halves of the keys in a PEM text, each with the time
// at which it goes: one that is retired must not come back where its private half
// is gone and this file is still that of before.
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
		if key.Alg == jws.PS256 { // an RSA key itself does not say it
			fmt.Fprintln(&out, algLine, key.Alg)
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		out.Write(withTerm(block, term{until: b.keys.terms[key.ID].until}))
	}
	return out.Bytes(), nil
}
