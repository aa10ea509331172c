package keyring_test

import (
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
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-passport/passport"
)

func TestWriteKeys_JK_04(t *testing.T) {
	for alg, want := range map[string]string{"": "ES256", "ES256": "ES256", "EdDSA": "EdDSA", "RS256": "RS256", "PS256": "PS256"} {
		t.Run("algorithm "+alg, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "storage")
			if err := passport.WriteKeys(dir, alg, 0, false); err != nil {
				t.Fatal(err)
			}
			keys, err := passport.LoadKeys(dir)
			if err != nil || !strings.HasPrefix(fmt.Sprint(keys), "passport.Keys("+want+" ") || len(kids(keys)) != 1 {
				t.Fatalf("LoadKeys() after WriteKeys() = %v, %v, want one key for %s", keys, err, want)
			}
			for name, mode := range map[string]fs.FileMode{"oauth-private.key": 0o600, "oauth-public.key": 0o644} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if runtime.GOOS != "windows" && info.Mode().Perm() != mode {
					t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), mode)
				}
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 2 {
				t.Errorf("the directory holds %v, %v, want two files", entries, err)
			}
			// Other software reads the files too, so they are PKCS#8 and SPKI.
			text, err := os.ReadFile(filepath.Join(dir, "oauth-private.key"))
			if err != nil {
				t.Fatal(err)
			}
			if block, rest := pem.Decode(text); block == nil || block.Type != "PRIVATE KEY" || len(block.Headers) != 0 || len(rest) != 0 {
				t.Errorf("oauth-private.key is not one PEM block of PKCS#8")
			}
			if want == "RS256" {
				block, _ := pem.Decode(text)
				key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
				if err != nil || key.(*rsa.PrivateKey).N.BitLen() != 3072 {
					t.Errorf("the RSA key does not have 3072 bits: %v", err)
				}
			}
		})
	}
}

func TestWriteKeys_Refusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, filepath.Dir(file), "file", "")
	for name, write := range map[string]func(dir string) error{
		"RSA of 1024 bits":      func(dir string) error { return passport.WriteKeys(dir, "RS256", 1024, false) },
		"RSA of 2047 bits":      func(dir string) error { return passport.WriteKeys(dir, "PS256", 2047, false) },
		"RSA of 1 bit":          func(dir string) error { return passport.WriteKeys(dir, "RS256", 1, true) },
		"RSA of negative bits":  func(dir string) error { return passport.WriteKeys(dir, "RS256", -1, true) },
		"RSA of a million bits": func(dir string) error { return passport.WriteKeys(dir, "RS256", 1_000_000, false) },
		"a length for ES256":    func(dir string) error { return passport.WriteKeys(dir, "ES256", 2048, false) },
		"HS256":                 func(dir string) error { return passport.WriteKeys(dir, "HS256", 0, false) },
		"none":                  func(dir string) error { return passport.WriteKeys(dir, "none", 0, false) },
		"es256 in lower case":   func(dir string) error { return passport.WriteKeys(dir, "es256", 0, false) },
		"a file as directory":   func(string) error { return passport.WriteKeys(file, "", 0, false) },
	} {
		dir := t.TempDir()
		if err := write(dir); err == nil {
			t.Errorf("%s: WriteKeys() = nil, want an error", name)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: WriteKeys() left the files %v, %v, want none", name, entries, err)
		}
	}
}

// Only force replaces an existing key, because a new key ends every token that the old
// key signed.
func TestWriteKeys_KeepsExistingKeys(t *testing.T) {
	for _, present := range []string{"oauth-private.key", "oauth-public.key"} {
		dir := t.TempDir()
		writeFile(t, dir, present, "mine")
		if err := passport.WriteKeys(dir, "", 0, false); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), present) {
			t.Errorf("WriteKeys() beside %s = %v, want fs.ErrExist and its name", present, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("WriteKeys() beside %s left the files %v, %v, want that file only", present, entries, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, present)); err != nil || string(text) != "mine" {
			t.Errorf("%s was replaced by %d bytes, %v", present, len(text), err)
		}
		if err := passport.WriteKeys(dir, "", 0, true); err != nil {
			t.Errorf("WriteKeys() with force = %v", err)
		}
		if keys, err := passport.LoadKeys(dir); err != nil || len(kids(keys)) != 1 {
			t.Errorf("LoadKeys() after force = %v, %v, want one key", keys, err)
		}
	}
}

// Nodes that start at the same time on one directory agree on one key, and never read
// a partial file.
func TestWriteKeys_Concurrent(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var wg sync.WaitGroup
		var mu sync.Mutex
		written, loaded := 0, map[string]bool{}
		for range 8 {
			wg.Go(func() {
				err := passport.WriteKeys(dir, "", 0, false)
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("WriteKeys() = %v", err)
				}
				keys, loadErr := passport.LoadKeys(dir)
				if loadErr != nil {
					t.Errorf("LoadKeys() after WriteKeys() = %v", loadErr)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					written++
				}
				loaded[kids(keys)[0]] = true
			})
		}
		wg.Wait()
		if written != 1 || len(loaded) != 1 {
			t.Fatalf("%d of 8 calls wrote a key, and %d different keys were loaded; want 1 and 1", written, len(loaded))
		}
	}
}

// While a key is replaced, readers get the old or the new key, never a partial file.
func TestWriteKeys_ReplacesInOneStep(t *testing.T) {
	dir := t.TempDir()
	if err := passport.WriteKeys(dir, "", 0, false); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for range 100 {
			if err := passport.WriteKeys(dir, "", 0, true); err != nil {
				t.Errorf("WriteKeys() with force = %v", err)
			}
		}
	})
	for loading := true; loading; {
		if _, err := passport.LoadKeys(dir); err != nil {
			t.Errorf("LoadKeys() while the keys are replaced = %v", err)
		}
		select {
		case <-done:
			loading = false
		default:
		}
	}
	wg.Wait()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the directory holds %v, %v; want two files and nothing temporary", entries, err)
	}
}

// After concurrent commands, both files hold the halves of the same key pair.
func TestWriteKeys_BothFilesAreOfOnePair(t *testing.T) {
	for round := range 25 {
		dir := t.TempDir()
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				if err := passport.WriteKeys(dir, "EdDSA", 0, i > 0); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("WriteKeys() = %v", err)
				}
			})
		}
		wg.Wait()
		keys, err := passport.LoadKeys(dir)
		if err != nil || len(kids(keys)) != 1 {
			t.Fatalf("round %d: after four concurrent calls the folder has the keys %v, %v, want one key: both halves of a pair", round, keys, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("the directory holds %v, %v; want two files and no lock", entries, err)
		}
	}
}

// WriteKeys doesn't wait forever for the lock of an interrupted command.
func TestWriteKeys_LockOfAnInterruptedCommand(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		writeFile(t, dir, "oauth-private.key.lock", "")
		for _, force := range []bool{false, true} {
			if err := passport.WriteKeys(dir, "", 0, force); err == nil || !strings.Contains(err.Error(), "oauth-private.key.lock exists") || !strings.Contains(err.Error(), "remove the file") {
				t.Errorf("WriteKeys() with force %v beside a lock = %v, want an error with the remedy", force, err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("the directory holds %v, %v; want only the lock", entries, err)
		}
	})
}
