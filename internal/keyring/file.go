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
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-passport/passport/internal/jws"
)

// The lengths of RSA keys that Write makes. Longer ones sign so slowly that
// a few requests a second keep a processor busy.
const (
	defaultRSABits = 3072
	maxRSABits     = 8192
)

// Write makes a key and writes its halves to oauth-private.key (mode 0600,
// PKCS#8) and oauth-public.key (mode 0644) in dir, which it makes if need be.
// That is `passport keys`. Where one of the files is, it writes nothing without
// force, and the error is [fs.ErrExist]: what the old key signed or sealed is
// worth nothing once it is gone.
//
// The algorithm is ES256 (when empty), EdDSA, RS256 or PS256. The length is for
// the last two: 3072 when 0, at least 2048.
func Write(dir, alg string, bits int, force bool) error {
	private, public, err := generatePEM(cmp.Or(alg, jws.ES256), bits)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	dir = cmp.Or(dir, ".")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	privateName, publicName := filepath.Join(dir, privateKeyFile), filepath.Join(dir, publicKeyFile)
	if _, err := os.Lstat(publicName); err == nil && !force {
		return fmt.Errorf("write keys: %w", &fs.PathError{Op: "create", Path: publicName, Err: fs.ErrExist})
	}
	// Of two who write at once without force, the one whose private key gets
	// its name writes the public one.
	if err := writeWhole(privateName, private, 0o600, force); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := writeWhole(publicName, public, 0o644, true); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// generatePEM makes a key and returns its halves.
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
		above = algLine + " " + alg + "\n" // an RSA key itself does not say it
	}
	private = append([]byte(above), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})...)
	public = append([]byte(above), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})...)
	return private, public, nil
}

func generate(alg string, bits int) (crypto.Signer, error) {
	rsaKey := alg == jws.RS256 || alg == jws.PS256
	switch {
	case bits != 0 && !rsaKey:
		return nil, errors.New("a length is for RS256 and PS256 only: leave it out, or choose one of these")
	case alg == jws.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == jws.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case !rsaKey:
		return nil, errors.New("the algorithm is not known: choose ES256, EdDSA, RS256 or PS256")
	}
	bits = cmp.Or(bits, defaultRSABits)
	if bits < jws.MinRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("an RSA key has between %d and %d bits", jws.MinRSABits, maxRSABits)
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// writeWhole writes a file that nobody ever sees half of. Without replace it is
// [fs.ErrExist] for a name that is taken, also by another process just now.
func writeWhole(name string, data []byte, mode fs.FileMode, replace bool) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when it was renamed
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	if replace {
		return os.Rename(temp.Name(), name)
	}
	err = os.Link(temp.Name(), name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return createNew(name, data, mode) // the file system has no links
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

// readKeyFile reads a file of keys, and what stands in place of one never whole.
func readKeyFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(data) > maxKeyFile {
		return nil, fmt.Errorf("%s is too large for a file of keys", name)
	}
	return data, err
}

// tooReadable returns a warning about a private key that others may read. It
// stays one: in containers and on network file systems modes are often not the
// operator's to choose, and Windows has none.
func tooReadable(name string) string {
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("%s may be read by others than its owner (mode %04o): run `chmod 600 %s`", name, info.Mode().Perm(), shellQuote(name))
}

// shellQuote returns a name as a shell takes it.
func shellQuote(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:,@", r)
}
