package passport

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
)

// Keys are the server's keys. The first key signs, and all keys verify. Keys of other
// algorithms may follow, each algorithm with its own schedule. To replace
// the signing key, add the new key in second place, make it the first once every
// node has it, and remove the old key after the last token that it signed has
// expired. [RotateKeys] writes times above the keys, so that all of this happens
// without a restart.
//
// The server derives its other secrets from the private keys, too. They seal
// cookies and the tickets of pages, and generate codes and refresh tokens. A value
// that was sealed with a key can be opened while that key is among the keys.
// Removing a key invalidates everything that it sealed.
//
// Keys print and log only their IDs and algorithms.
type Keys struct{ ring *keyring.Ring }

func keysOf(ring *keyring.Ring, err error) (*Keys, error) {
	if err != nil {
		return nil, err
	}
	return &Keys{ring}, nil
}

// GenerateKeys returns a new key of each algorithm, for tests and trials: everything that
// they sign or seal is invalid after the process has ended. Without an algorithm it is one
// ES256 key. [OpenID] needs GenerateKeys("ES256", "RS256"): the first signs access tokens,
// the second ID tokens.
func GenerateKeys(algs ...string) (*Keys, error) { return keysOf(keyring.Generate(algs...)) }

// NewKeys returns the keys of the signers. The first signs and all verify: ECDSA
// on P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 bits or more (RS256, or PS256
// with [PS256]).
//
// A signer may hide its private key, as a KMS or a hardware security module does. If
// the first signer does, Config.Secrets is required.
func NewKeys(signers ...crypto.Signer) (*Keys, error) { return keysOf(keyring.New(signers...)) }

// PS256 returns a signer of an RSA key that signs with PS256 (RFC 7518 §3.5).
// Without it, [NewKeys] uses RS256.
func PS256(signer crypto.Signer) crypto.Signer { return keyring.PS256(signer) }

// LoadKeys reads the keys in a directory; an empty dir is the current directory. The
// files have the form that `passport keys` writes:
//
//   - oauth-private.key signs;
//   - oauth-private-*.key, in the order of their names, also verify, and open what
//     was sealed with them: put a new key there first, and keep the old one there
//     while its tokens live;
//   - oauth-public.key may be missing. The public half of a key above has no effect.
//     Any other public key in it also verifies, and the log has a warning. A private
//     key in it is an error.
//
// Each file holds one or more keys in PEM: PKCS#8, PKCS#1 or SEC 1, not encrypted.
// An RSA key signs with RS256, or with PS256 where a line "Alg: PS256" is above
// it. Lines "Use-From:" and "Retire-After:" with a time, as [RotateKeys] writes
// them, say when a key begins to sign and when it ends.
//
// [Server.Run] reads the directory again from time to time. A file that other
// accounts of the machine may read is a warning in the log, never a failure.
func LoadKeys(dir string) (*Keys, error) { return keysOf(keyring.Load(dir)) }

// KeysFromEnv reads the keys in the environment: PASSPORT_PRIVATE_KEY holds one or
// more private keys in PEM, of which the first signs. PASSPORT_PUBLIC_KEY, which
// may be missing, holds further keys that only verify. Line ends may be written as
// \n, since many places can hold only a single line. [LoadKeys] describes the PEM.
func KeysFromEnv() (*Keys, error) { return keysOf(keyring.FromEnv()) }

// ParseKeys reads keys in PEM: private keys, of which the first signs, and public
// keys, which only verify. [LoadKeys] describes the PEM.
func ParseKeys(pem []byte) (*Keys, error) { return keysOf(keyring.Parse(pem)) }

// WriteKeys generates a key and writes it to oauth-private.key (mode 0600, PKCS#8)
// and oauth-public.key (mode 0644) in dir, which it creates if necessary. The
// command `passport keys` calls it. If one of the files exists and force is false,
// it writes nothing and returns [fs.ErrExist], because everything that the old key
// signed or sealed would become invalid.
//
// The algorithm is ES256 (default, if alg is empty), EdDSA, RS256 or PS256. bits is
// for RS256 and PS256: at least 2048; 3072 if it is 0.
func WriteKeys(dir, alg string, bits int, force bool) error {
	return keyring.Write(dir, alg, bits, force)
}

// Rotation holds the settings of [RotateKeys].
type Rotation struct {
	// Alg is the algorithm of the new key, as for [WriteKeys]. Default: the algorithm of
	// the key that it replaces. Bits is the length of an RSA key.
	Alg  string
	Bits int

	// Replaces is the algorithm of the key that the new key replaces. Keys of other
	// algorithms stay as they are. Default: Alg, or else the algorithm of the first key.
	// Set it to change the algorithm that signs access tokens.
	Replaces string

	// Publish is how long the new key is published before it signs. It must be
	// longer than every node takes to read it, and longer than clients cache the
	// public keys (the server allows five minutes). Default: one hour.
	Publish time.Duration

	// Overlap is how long the old key verifies after it has stopped signing: at
	// least [Server.LongestLife]. Required.
	Overlap time.Duration
}

// Rotated is the result of [RotateKeys].
type Rotated struct {
	KeyID   string    // of the new key
	UseFrom time.Time // when the new key begins to sign
	Retired []string  // IDs of the keys that were removed
	Retires time.Time // when the previous signing key ends
}

// ErrRotating is the error if a new key is still waiting for its time to sign.
var ErrRotating = keyring.ErrRotating

// RotateKeys adds a new key to keys in PEM, and returns the new PEM. The new key is
// published at once, and signs after Rotation.Publish. The key that it replaces
// ends after Rotation.Overlap. These times are written above the keys, so that
// every server changes at the same moment. Keys that have ended are removed.
//
// It returns [ErrRotating] while an earlier new key of the algorithm is still waiting for
// its time. If there is no key to replace, the error names the command that adds it.
func RotateKeys(text []byte, r Rotation) ([]byte, *Rotated, error) {
	out, done, err := keyring.Rotate(text, keyring.Rotation(r))
	return out, (*Rotated)(done), err
}

// RotateKeyFiles is [RotateKeys] for the keys in a directory, as [LoadKeys] reads
// them. It writes the new key to oauth-private.key, and the public halves of all
// its keys to oauth-public.key. Concurrent readers see either the old or the
// new version of each file.
func RotateKeyFiles(dir string, r Rotation) (*Rotated, error) {
	done, err := keyring.RotateFiles(dir, keyring.Rotation(r))
	return (*Rotated)(done), err
}

// ErrKeyExists is the error of [AddKey] if there is a key of the algorithm.
var ErrKeyExists = keyring.ErrKeyExists

// AddKey adds a key of a further algorithm to keys in PEM, and returns the new PEM and the
// ID of the new key. The new key is the last. It is published at once, and signs no access
// tokens. alg and bits are as for [WriteKeys].
func AddKey(text []byte, alg string, bits int) (out []byte, keyID string, err error) {
	return keyring.Add(text, alg, bits)
}

// AddKeyToFiles is [AddKey] for the keys in a directory, as [LoadKeys] reads them.
func AddKeyToFiles(dir, alg string, bits int) (keyID string, err error) {
	return keyring.AddToFiles(dir, alg, bits)
}

// StoredKeys are keys in the store, so that every node uses the same keys. They are
// sealed with Secret: neither a copy of the database nor the secret alone reveals a
// key.
type StoredKeys struct {
	// Store is, or wraps, an [oauth.KeyStore], such as sqlstore and memstore.
	Store oauth.Store

	// Secret has at least 32 random bytes, the same on every node. It is not encoded
	// as JSON.
	Secret []byte `json:"-"`
}

// Format implements [fmt.Formatter]. It prints no secret: only the type of the store.
func (k StoredKeys) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "passport.StoredKeys(%T)", k.Store)
}

// LogValue implements [slog.LogValuer]: only the type of the store.
func (k StoredKeys) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%T", k.Store)) }

// Load returns the keys for Config.Keys. If the store has none, it generates an
// ES256 key and stores it. If several nodes do so at once, all use the same key.
// [Server.Run] reads the store again from time to time.
func (k StoredKeys) Load(ctx context.Context) (*Keys, error) {
	return keysOf(keyring.Stored(k).Load(ctx))
}

// Rotate is [RotateKeys] for the keys in the store.
func (k StoredKeys) Rotate(ctx context.Context, r Rotation) (*Rotated, error) {
	done, err := keyring.Stored(k).Rotate(ctx, keyring.Rotation(r))
	return (*Rotated)(done), err
}

// Add is [AddKey] for the keys in the store.
func (k StoredKeys) Add(ctx context.Context, alg string, bits int) (keyID string, err error) {
	return keyring.Stored(k).Add(ctx, alg, bits)
}

// Algorithms returns the algorithms that the keys sign with, that of access tokens first.
func (k *Keys) Algorithms() []string { return k.ring.Algorithms() }

// LogValue implements [slog.LogValuer]: IDs and algorithms, never a key.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.describe()) }

// Format implements [fmt.Formatter]: IDs and algorithms, never a key.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.describe()) }

func (k *Keys) describe() string {
	if k == nil {
		return "passport.Keys(nil)"
	}
	return k.ring.String()
}

// has reports whether a public key is one of the keys.
func (k *Keys) has(public crypto.PublicKey) bool { return k != nil && k.ring.Has(public) }
