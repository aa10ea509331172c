package keyring

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-passport/passport/internal/seal"
)

// Root is a secret from which others are derived, by label. It comes from a
// private key or from one of Config.Secrets. Its ID is not secret.
type Root struct {
	id  string
	box *seal.Box

	// subkey is a func, so that no way of printing a root shows the secret.
	subkey func(label string) []byte
}

func newRoot(id string, material []byte) *Root {
	var cache sync.Map // label to sub-key: deriving a sub-key costs more than using it
	r := &Root{id: id}
	r.subkey = func(label string) []byte {
		if sub, ok := cache.Load(label); ok {
			return sub.([]byte)
		}
		sub := subkeyOf(material, label, sha256.Size)
		cache.Store(label, sub)
		return sub
	}
	r.box = seal.New(id, [32]byte(r.subkey("seal")))
	return r
}

func subkeyOf(material []byte, label string, size int) []byte {
	sub, err := hkdf.Key(sha256.New, material, nil, "passport "+label, size)
	if err != nil {
		panic(err) // only for a length that the hash does not support
	}
	return sub
}

// Derive returns the secret for a label and an input under this root: 43
// characters of base64url. Labels are constants, so there are few.
func (r *Root) Derive(label, input string) string {
	mac := hmac.New(sha256.New, r.subkey(label))
	mac.Write([]byte(input))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// LogValue implements [slog.LogValuer]: only the ID.
func (r *Root) LogValue() slog.Value { return slog.StringValue(r.id) }

// Format implements [fmt.Formatter]. It prints no secret: only the ID.
func (r *Root) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "keyring.Root(%s)", r.id) }

// Roots are the secrets from which a server derives others. New values use the
// first. Values from clients may come from any of them.
type Roots []*Root

// NewRoots returns the roots of Config.Secrets.
func NewRoots(secrets [][]byte) (all Roots) {
	for _, s := range secrets {
		id := base64.RawURLEncoding.EncodeToString(subkeyOf(s, "id", 6))
		all = append(all, newRoot(id, s))
	}
	return all
}

// First returns the root for new values.
func (r Roots) First() *Root { return r[0] }

// byID returns the root with an ID, or nil.
func (r Roots) byID(id string) *Root {
	for _, root := range r {
		if root.id == id {
			return root
		}
	}
	return nil
}

// Seal encrypts a value. [Roots.Open] opens it for the same purpose only.
func (r Roots) Seal(purpose string, plaintext []byte) string {
	return r.First().box.Seal(purpose, plaintext)
}

// Open returns a value that was sealed for the purpose, and the root that
// sealed it.
func (r Roots) Open(purpose, sealed string) ([]byte, *Root, error) {
	boxes := make([]*seal.Box, len(r))
	for i, root := range r {
		boxes[i] = root.box
	}
	plaintext, id, err := seal.Open(boxes, purpose, sealed)
	if err != nil {
		return nil, nil, err
	}
	return plaintext, r.byID(id), nil
}
