package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-passport/passport/internal/jws"
	"github.com/go-passport/passport/internal/seal"
	"github.com/go-passport/passport/oauth"
)

// Stored keeps the keys in the store, so that every node finds the same keys. They
// are sealed with Secret: neither a copy of the database nor the secret alone reveals
// a key.
type Stored struct {
	// Store is, or wraps, an [oauth.KeyStore]. The stores of sqlstore and memstore
	// are. Required.
	Store oauth.Store

	// Secret has at least 32 random bytes, the same on every node. Required.
	Secret []byte
}

// Format implements [fmt.Formatter]. It prints no secret: only the type of the store.
func (k Stored) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keyring.Stored(%T)", k.Store)
}

// LogValue implements [slog.LogValuer]: only the type of the store.
func (k Stored) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%T", k.Store)) }

// Load returns the keys in the store. If there are none, it creates an ES256 key. If
// several nodes start at the same moment, only one key is created. The server reads
// the keys again from time to time.
func (k Stored) Load(ctx context.Context) (*Ring, error) {
	keys, err := k.load(ctx)
	if errors.Is(err, oauth.ErrNotFound) {
		if err := k.make(ctx); err != nil && !errors.Is(err, oauth.ErrConflict) { // another node was first
			return nil, err
		}
		keys, err = k.load(ctx)
	}
	return keys, err
}

// Rotate is [Rotate] for the keys in the store. It returns [oauth.ErrConflict]
// if another node has changed the keys meanwhile.
func (k Stored) Rotate(ctx context.Context, r Rotation) (done *Rotated, err error) {
	err = k.change(ctx, func(text []byte) (out []byte, err error) {
		out, done, err = rotate(text, r)
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	return done, nil
}

// Add is [Add] for the keys in the store. It returns [oauth.ErrConflict] if another
// node has changed the keys meanwhile.
func (k Stored) Add(ctx context.Context, alg string, bits int) (id string, err error) {
	err = k.change(ctx, func(text []byte) (out []byte, err error) {
		out, id, err = Add(text, alg, bits)
		return out, err
	})
	return id, err
}

// change changes the keys in the store.
func (k Stored) change(ctx context.Context, change func(text []byte) ([]byte, error)) error {
	store, box, err := k.open()
	if err != nil {
		return err
	}
	text, version, err := k.read(ctx, store, box)
	if err != nil {
		return err
	}
	out, err := change(text)
	if err != nil {
		return err
	}
	return store.SaveKeyRing(ctx, box.Seal(keyRingPurpose, out), version)
}

// keyRingPurpose is the purpose for which the key ring is sealed.
const keyRingPurpose = "key ring"

func (k Stored) open() (oauth.KeyStore, *seal.Box, error) {
	store, ok := oauth.StoreAs[oauth.KeyStore](k.Store)
	if !ok {
		return nil, nil, errors.New("stored keys: the store does not implement oauth.KeyStore: use sqlstore, or keys in files")
	}
	if len(k.Secret) < 32 {
		return nil, nil, fmt.Errorf("stored keys: Secret has %d bytes: use at least 32 random bytes, for example from `openssl rand 32`", len(k.Secret))
	}
	return store, newRoot(keyRingID, k.Secret).box, nil
}

// keyRingID is the prefix of the sealed key ring, in place of a key ID.
const keyRingID = "keys"

// read returns the keys as PEM text, and their version in the store.
func (k Stored) read(ctx context.Context, store oauth.KeyStore, box *seal.Box) ([]byte, int64, error) {
	sealed, version, err := store.KeyRing(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read stored keys: %w", err)
	}
	text, _, err := seal.Open([]*seal.Box{box}, keyRingPurpose, sealed)
	if err != nil {
		return nil, 0, errors.New("read stored keys: they were sealed with another secret: set the same Secret on every node")
	}
	return text, version, nil
}

func (k Stored) load(ctx context.Context) (*Ring, error) {
	store, box, err := k.open()
	if err != nil {
		return nil, err
	}
	text, _, err := k.read(ctx, store, box)
	if err != nil {
		return nil, err
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, err
	}
	keys.reload = k.load
	return keys, nil
}

func (k Stored) make(ctx context.Context) error {
	store, box, err := k.open()
	if err != nil {
		return err
	}
	private, _, err := generatePEM(jws.ES256, 0)
	if err != nil {
		return err
	}
	if err := store.SaveKeyRing(ctx, box.Seal(keyRingPurpose, private), 0); err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	return nil
}
