package keyring

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-passport/passport/internal/pemtext"
	"github.com/go-passport/passport/internal/textfile"
)

// The names of the key files, the same as in Laravel Passport.
const (
	privateKeyFile = "oauth-private.key"
	publicKeyFile  = "oauth-public.key"
	furtherKeys    = "oauth-private-*.key"
)

// algLine is the prefix of a line above a key that names its algorithm.
const algLine = "Alg:"

// Load reads the keys in a directory as `passport keys` writes them. An empty
// dir is the current directory.
//
//   - oauth-private.key signs.
//   - oauth-private-*.key, in the order of their names, also verify and open
//     the values that they sealed. Put a new key there first, and keep the old
//     one there until its tokens have expired.
//   - oauth-public.key is optional. The public half of one of the private keys
//     adds nothing. Any other public key also verifies, and causes a warning in
//     the log.
//
// Each file holds one or more unencrypted keys in PEM: PKCS#8, PKCS#1 or SEC 1.
// An RSA key signs with RS256, or with PS256 if the line "Alg: PS256" is above
// it. The lines "Use-From:" and "Retire-After:" with a time, as [Rotate] writes
// them, say when a key begins to sign and when it is removed.
//
// The server reads the directory again from time to time. A file that other
// users may read causes a warning in the log, never an error.
func Load(dir string) (*Ring, error) {
	dir = cmp.Or(dir, ".")
	further, err := fs.Glob(os.DirFS(dir), furtherKeys) // sorted by name, as fs.ReadDir sorts
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var b builder
	for _, base := range append([]string{privateKeyFile}, further...) {
		name := filepath.Join(dir, base)
		data, err := textfile.Read(name)
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", withRemedy(dir, err))
		}
		if err := b.addPEM(data); err != nil {
			return nil, fmt.Errorf("read keys: %s: %w", name, err)
		}
		b.warn(tooReadable(name))
	}
	if err := b.addPublicFile(filepath.Join(dir, publicKeyFile)); err != nil {
		return nil, err
	}
	keys, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("read keys: %s: %w", dir, err)
	}
	keys.reload = func(context.Context) (*Ring, error) { return Load(dir) }
	return keys, nil
}

// addPublicFile adds the public keys that have no private key in the directory.
func (b *builder) addPublicFile(name string) error {
	data, err := textfile.Read(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	before := len(b.keys.all)
	b.publicOnly = true
	if err := b.addPEM(data); err != nil {
		return fmt.Errorf("read keys: %s: %w", name, err)
	}
	if len(b.keys.all) > before {
		b.warn(name + " contains a public key without its private key: tokens that it signed are accepted; remove it when they have all expired")
	}
	return nil
}

// FromEnv reads the keys in the environment. PASSPORT_PRIVATE_KEY holds one or
// more private keys in PEM, of which the first signs. PASSPORT_PUBLIC_KEY is
// optional and holds keys that only verify. The PEM formats are those of [Load].
// A PEM text whose lines were changed is repaired: see [pemtext.Normalize].
func FromEnv() (*Ring, error) {
	var b builder
	for _, name := range []string{"PASSPORT_PRIVATE_KEY", "PASSPORT_PUBLIC_KEY"} {
		value := os.Getenv(name)
		b.publicOnly = name == "PASSPORT_PUBLIC_KEY"
		if strings.Trim(value, "\"' \r\n\t") == "" {
			continue
		}
		if err := b.addPEM([]byte(value)); err != nil {
			return nil, fmt.Errorf("read keys: %s: %w", name, err)
		}
	}
	keys, err := b.build()
	if err != nil {
		return nil, errors.New("read keys: PASSPORT_PRIVATE_KEY holds no private key: create one with `passport keys` and set the variable to its PEM text")
	}
	return keys, nil
}

// Parse reads keys in PEM. The first private key signs. Public keys only
// verify. The PEM formats are those of [Load].
func Parse(pem []byte) (*Ring, error) {
	var b builder
	if err := b.addPEM(pem); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	keys, err := b.build()
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

func (b *builder) warn(text string) {
	if text != "" {
		b.keys.warnings = append(b.keys.warnings, text)
	}
}

// addPEM adds every key of a PEM text. Its errors, and the errors that they
// wrap, contain nothing of the text.
func (b *builder) addPEM(data []byte) error {
	text := pemtext.Normalize(data)
	rest, found := []byte(text), 0
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		above, _, _ := strings.Cut(string(rest[:len(rest)-len(after)]), "-----BEGIN ")
		if err := b.addBlock(block, above); err != nil {
			return fmt.Errorf("key %d: %w", found+1, err)
		}
		rest, found = after, found+1
	}
	switch begun := strings.Count(text, "-----BEGIN "); {
	case begun == 0:
		return errors.New(`contains no PEM text: give the text of the key, not the name of a file; it begins with the line "-----BEGIN PRIVATE KEY-----"`)
	case begun != found:
		return errors.New("holds PEM text that is cut short or damaged: copy it again, with all its lines")
	}
	return nil
}

// algOf returns the algorithm that a line above a key names. RFC 7468 §2 allows
// such lines, and PEM readers skip them.
func algOf(above string) string {
	alg := ""
	for line := range strings.Lines(above) {
		if value, ok := strings.CutPrefix(line, algLine); ok {
			alg = strings.TrimSpace(value)
		}
	}
	return alg
}

// addBlock adds the key of one PEM block.
func (b *builder) addBlock(block *pem.Block, above string) error {
	parsed, err := parseBlock(block)
	if parsed == nil || err != nil {
		return err
	}
	t, err := termOf(above)
	if err != nil {
		return err
	}
	before := len(b.keys.all)
	if signer, ok := parsed.(crypto.Signer); ok && b.publicOnly {
		return errPrivate
	} else if ok {
		err = b.addSigner(signer, algOf(above))
	} else {
		err = b.addPublic(parsed, algOf(above))
	}
	if err == nil && len(b.keys.all) > before && t != (term{}) {
		b.setTerm(b.keys.all[len(b.keys.all)-1].ID, t)
	}
	return err
}

// parseBlock returns the key of one PEM block, or nil if the block holds none.
func parseBlock(block *pem.Block) (parsed any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		parsed, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		parsed, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "EC PARAMETERS":
		return nil, nil // openssl writes the curve above the key, which names it too
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	case "OPENSSH PRIVATE KEY":
		return nil, errors.New("is an OpenSSH key: create a PEM key with `passport keys`")
	default:
		return nil, errors.New("is neither a private nor a public key")
	}
	switch {
	case block.Headers["DEK-Info"] != "":
		return nil, errEncrypted
	case err != nil:
		return nil, errors.New("does not contain the kind of key that its first line names: copy it again, or create another with `passport keys`")
	}
	return parsed, nil
}

func (b *builder) setTerm(id string, t term) {
	if b.keys.terms == nil {
		b.keys.terms = map[string]term{}
	}
	b.keys.terms[id] = t
}

var errPrivate = errors.New("is a private key in the place of a public one: move it to the place of the private key, and replace it with `passport keys rotate` if others could read it")

var errEncrypted = errors.New("is encrypted: remove its passphrase with `openssl pkey -in FILE -out FILE`, and protect the file instead")
