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
)

// The names of the files that hold the keys, those of Laravel Passport.
const (
	privateKeyFile = "oauth-private.key"
	publicKeyFile  = "oauth-public.key"
	furtherKeys    = "oauth-private-*.key"
)

// algLine begins the line above a key that names its algorithm.
const algLine = "Alg:"

// maxKeyFile is more than any file of keys has.
const maxKeyFile = 1 << 20

// Load reads the keys in a directory, the current one when empty, as `passport keys` writes them:
//
//   - oauth-private.key signs;
//   - oauth-private-*.key, in the order of their names, verify too and open what
//     they sealed: put a new key there first, and the old one while its tokens
//     live;
//   - oauth-public.key need not be there. The public half of a key above adds
//     nothing; another one verifies too, and a warning in the log says so.
//
// Each holds one or more keys in PEM: PKCS#8, PKCS#1 or SEC 1, not encrypted. An
// RSA key signs with RS256, or with PS256 where a line "Alg: PS256" stands above
// it. Lines "Use-From:" and "Retire-After:" with a time, as [Rotate] writes
// them, say when a key signs and when it is gone.
//
// [Server.Run] reads the directory again from time to time. A file that others may read is a warning in the log, never a failure.
func Load(dir string) (*Ring, error) {
	dir = cmp.Or(dir, ".")
	further, err := fs.Glob(os.DirFS(dir), furtherKeys) // sorted, like all that ReadDir gives
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	var b builder
	for _, base := range append([]string{privateKeyFile}, further...) {
		name := filepath.Join(dir, base)
		data, err := readKeyFile(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read keys: %w: make some with `passport keys`, or set PASSPORT_PRIVATE_KEY", err)
		}
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
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

// addPublicFile adds what the file of public keys has beyond the private ones.
func (b *builder) addPublicFile(name string) error {
	data, err := readKeyFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	before := len(b.keys.all)
	if err := b.addPEM(data); err != nil {
		return fmt.Errorf("read keys: %s: %w", name, err)
	}
	if len(b.keys.all) > before {
		b.warn(name + " holds a key that is not the public half of a private key here: tokens that it signed are admitted; remove it once none is left")
	}
	return nil
}

// FromEnv reads the keys in the environment: PASSPORT_PRIVATE_KEY, one or
// more private keys in PEM of which the first signs, and PASSPORT_PUBLIC_KEY,
// further keys that only verify, which need not be there. Line ends may be
// written as \n, since many places can hold a single line only. What [Load]
// says about PEM holds here too.
func FromEnv() (*Ring, error) {
	var b builder
	for _, name := range []string{"PASSPORT_PRIVATE_KEY", "PASSPORT_PUBLIC_KEY"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if err := b.addPEM([]byte(value)); err != nil {
			return nil, fmt.Errorf("read keys: %s: %w", name, err)
		}
	}
	keys, err := b.build()
	if err != nil {
		return nil, errors.New("read keys: PASSPORT_PRIVATE_KEY holds no private key: make one with `passport keys` and give its PEM text")
	}
	return keys, nil
}

// Parse reads keys in PEM: private ones, of which the first signs, and
// public ones, which only verify. What [Load] says about PEM holds here too.
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

// addPEM adds every key of a PEM text. Its errors hold nothing of the text, nor
// does any other error that they wrap.
func (b *builder) addPEM(data []byte) error {
	text := unescape(string(data))
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
		return errors.New(`holds no PEM text: it begins with a line "-----BEGIN PRIVATE KEY-----"`)
	case begun != found:
		return errors.New("holds PEM text that is cut short or damaged: copy it again, with all of its lines")
	}
	return nil
}

// unescape turns the ways in which single-line settings hold a PEM text back
// into lines. Base64 has neither backslash nor quote.
func unescape(text string) string {
	text = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n").Replace(strings.TrimSpace(text))
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(text, quote); ok {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return text
}

// algOf returns the algorithm that a line above a key names. RFC 7468 §2 allows
// such lines, and every reader of PEM skips them.
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
	if signer, ok := parsed.(crypto.Signer); ok {
		err = b.addSigner(signer, algOf(above))
	} else {
		err = b.addPublic(parsed, algOf(above))
	}
	if err == nil && len(b.keys.all) > before && t != (term{}) {
		b.setTerm(b.keys.all[len(b.keys.all)-1].ID, t)
	}
	return err
}

// parseBlock returns the key of one PEM block, nil for one that holds none.
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
		return nil, nil // openssl writes them above the key that has them too
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	case "OPENSSH PRIVATE KEY":
		return nil, errors.New("is in the format of OpenSSH: make one with `passport keys`")
	default:
		return nil, errors.New("is neither a private nor a public key")
	}
	switch {
	case block.Headers["DEK-Info"] != "":
		return nil, errEncrypted
	case err != nil:
		return nil, errors.New("does not hold what its first line says: copy it again, or make another with `passport keys`")
	}
	return parsed, nil
}

func (b *builder) setTerm(id string, t term) {
	if b.keys.terms == nil {
		b.keys.terms = map[string]term{}
	}
	b.keys.terms[id] = t
}

var errEncrypted = errors.New("is encrypted: take off its passphrase with `openssl pkey -in FILE -out FILE`, and protect the file instead")
