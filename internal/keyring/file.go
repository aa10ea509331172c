package keyring

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-passport/passport/internal/jws"
)

// The lengths of RSA keys that Write generates. With a longer key, a few signatures
// per second keep a processor busy.
const (
	defaultRSABits = 3072
	maxRSABits     = 8192
)

// Write generates a key pair for `passport keys`. It writes the private key to
// oauth-private.key (mode 0600, PKCS#8) and the public key to oauth-public.key
// (mode 0644). It creates the directory dir if it is missing.
//
// Without force, Write overwrites nothing and returns [fs.ErrExist] if one of
// the files exists. Without the old key, its signatures no longer verify and
// its sealed values no longer open.
//
// The algorithm is ES256 (when empty), EdDSA, RS256 or PS256. The length is in
// bits, for RS256 and PS256 only: at least 2048, at most 8192, and 3072 if bits is 0.
func Write(dir, alg string, bits int, force bool) error {
	private, public, err := generatePEM(cmp.Or(alg, jws.ES256), bits)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	dir = cmp.Or(dir, ".")
	if err := os.MkdirAll(dir, 0o700); errors.Is(err, fs.ErrExist) { // not wrapped: it would mean that a key exists
		return fmt.Errorf("write keys: cannot create the folder %s: it is a link to a missing folder", dir)
	} else if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := writePair(dir, private, public, force); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// writePair writes both files of a key pair. Concurrent calls run one after the other.
func writePair(dir string, private, public []byte, force bool) error {
	privateName, publicName := filepath.Join(dir, privateKeyFile), filepath.Join(dir, publicKeyFile)
	vacant := func() error {
		for _, name := range []string{publicName, privateName} {
			if _, err := os.Lstat(name); err == nil && !force {
				return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
			}
		}
		return nil
	}
	if err := vacant(); err != nil { // before the lock, which may be impossible to write
		return err
	}
	return locked(privateName, writePatience, func() error {
		if err := vacant(); err != nil {
			return err
		}
		if err := writeWhole(privateName, private, 0o600, force); err != nil {
			return err
		}
		return writeWhole(publicName, public, 0o644, true)
	})
}

// generatePEM generates a key pair and returns both halves as PEM.
func generatePEM(alg string, bits int) (private, public []byte, err error) {
	signer, err := generate(alg, bits)
	if err != nil {
		return nil, nil, err
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, nil, fmt.Errorf("encode private key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("encode public key: %w", err)
	}
	above := ""
	if alg == jws.PS256 {
		above = algLine + " " + alg + "\n" // an RSA key does not name its algorithm
	}
	private = append([]byte(above), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})...)
	public = append([]byte(above), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})...)
	return private, public, nil
}

var errUnknownAlg = errors.New("unknown algorithm: choose ES256, EdDSA, RS256 or PS256")

// checkAlg returns an error for an algorithm that no key can have.
func checkAlg(alg string) error {
	switch alg {
	case jws.ES256, jws.EdDSA, jws.RS256, jws.PS256:
		return nil
	}
	return errUnknownAlg
}

func generate(alg string, bits int) (crypto.Signer, error) {
	rsaKey := alg == jws.RS256 || alg == jws.PS256
	switch {
	case bits != 0 && !rsaKey:
		return nil, errors.New("only RS256 and PS256 keys have a length: leave it out, or choose one of these algorithms")
	case alg == jws.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == jws.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case !rsaKey:
		return nil, errUnknownAlg
	}
	bits = cmp.Or(bits, defaultRSABits)
	if bits < jws.MinRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("the length of an RSA key must be between %d and %d bits", jws.MinRSABits, maxRSABits)
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// writeWhole writes a file so that readers see either the whole file or none of
// it. Without over it returns [fs.ErrExist] if the name is taken, even if
// another process has just taken it.
//
// If name is a symbolic link, it writes the link's target. A replaced file keeps its
// mode and owner.
func writeWhole(name string, data []byte, mode fs.FileMode, over bool) (err error) {
	if over {
		if name, err = target(name); err != nil {
			return err
		}
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return withReadOnlyRemedy(name, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // does nothing after a rename
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(mode)); err == nil && over {
		err = prepare(temp, name)
	}
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if over {
		return rename(temp.Name(), name)
	}
	err = os.Link(temp.Name(), name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return createNew(name, data, mode) // the file system has no hard links
}

func createNew(name string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// withRemedy adds a remedy to the error for a missing private key. It suggests new keys
// only if no half of an old pair exists, because new keys end every token that the
// old key signed. Otherwise the command needs --force.
func withRemedy(dir string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	command := "passport keys --keys-dir " + shellQuote(dir)
	private, public := filepath.Join(dir, privateKeyFile), filepath.Join(dir, publicKeyFile)
	if _, link := os.Lstat(private); link == nil {
		return fmt.Errorf("%w: %s is a link to a missing file: restore that file, or create a new key pair with `%s --force`, which invalidates every token that the old key signed", err, private, command)
	}
	if _, half := os.Lstat(public); half == nil {
		return fmt.Errorf("%w: %s exists without its private key: restore %s, or create a new key pair with `%s --force`, which invalidates every token that the old key signed", err, public, private, command)
	}
	return fmt.Errorf("%w: create keys with `%s`", err, command)
}

// tooReadable returns a warning if users other than the owner may read a
// private key. It is not an error: in containers and on network file systems
// the operator often cannot choose the mode, and Windows has no modes.
func tooReadable(name string) string {
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("other users may read %s (mode %04o): run `chmod 600 %s`", name, info.Mode().Perm(), shellQuote(name))
}

// shellQuote quotes a name for a POSIX shell.
func shellQuote(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:,@", r)
}
