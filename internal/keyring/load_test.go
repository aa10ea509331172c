package keyring_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
)

func TestParseKeys_Forms(t *testing.T) {
	ec, kid := keyPair(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecText, rsaText := pemText(t, "PRIVATE KEY", ec), pemText(t, "PRIVATE KEY", rsaKey())
	parameters := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	for _, tt := range []struct{ name, text, want string }{
		{"PKCS#8, P-256", ecText, "ES256"},
		{"SEC 1", pemText(t, "EC PRIVATE KEY", ec), "ES256"},
		{"SEC 1 as openssl ecparam writes it", parameters + pemText(t, "EC PRIVATE KEY", ec), "ES256"},
		{"PKCS#8, Ed25519", pemText(t, "PRIVATE KEY", ed), "EdDSA"},
		{"PKCS#8, RSA", rsaText, "RS256"},
		{"PKCS#1", pemText(t, "RSA PRIVATE KEY", rsaKey()), "RS256"},
		{"RSA for PS256", "Alg: PS256\n" + rsaText, "PS256"},
		{"RSA for PS256, on one line", `Alg: PS256\n` + strings.ReplaceAll(rsaText, "\n", `\n`), "PS256"},
		{"RSA for RS256", "Alg: RS256\n" + rsaText, "RS256"},
		{"P-256 for ES256", "Alg: ES256\n" + ecText, "ES256"},
		{"as Laravel Passport writes it", strings.TrimSuffix(strings.ReplaceAll(rsaText, "\n", "\r\n"), "\r\n"), "RS256"},
		{"on one line", strings.ReplaceAll(ecText, "\n", `\n`), "ES256"},
		{"on one line, Windows", strings.ReplaceAll(ecText, "\n", `\r\n`), "ES256"},
		{"in quotes", `"` + strings.ReplaceAll(ecText, "\n", `\n`) + `"`, "ES256"},
		{"in single quotes", `'` + ecText + `'`, "ES256"},
		{"with lines around it", "a comment\n\n" + ecText + "\nanother\n", "ES256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := passport.ParseKeys([]byte(tt.text))
			if err != nil {
				t.Fatalf("ParseKeys() = %v", err)
			}
			if got := fmt.Sprint(keys); !strings.HasPrefix(got, "passport.Keys("+tt.want+" ") || strings.Contains(got, ",") {
				t.Errorf("ParseKeys() = %s, want one key for %s", got, tt.want)
			}
			if tt.want == "ES256" && kids(keys)[0] != kid {
				t.Errorf("the key has the ID %s, want %s", kids(keys)[0], kid)
			}
		})
	}
}

func TestParseKeys_Several(t *testing.T) {
	first, firstID := keyPair(t)
	second, secondID := keyPair(t)
	third, thirdID := keyPair(t)
	text := pemText(t, "PUBLIC KEY", third.Public()) + pemText(t, "PRIVATE KEY", first) + pemText(t, "PUBLIC KEY", first.Public()) +
		pemText(t, "EC PRIVATE KEY", second) + pemText(t, "PRIVATE KEY", first)
	keys, err := passport.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(kids(keys), " "), strings.Join([]string{firstID, secondID, thirdID}, " "); got != want {
		t.Errorf("the keys are %s, want %s", got, want)
	}
	marked, err := passport.NewKeys(passport.PS256(rsaKey()), rsaKey(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(marked); !strings.HasPrefix(got, "passport.Keys(PS256 ") || strings.Count(got, ",") != 1 {
		t.Errorf("the keys are %s, want one RSA key, for PS256", got)
	}
	if _, err := passport.NewKeys(passport.PS256(first)); err == nil {
		t.Error("ParseKeys() accepts a P-256 key for PS256")
	}
}

func TestParseKeys_PublicHalfFirst(t *testing.T) {
	private, kid := keyPair(t)
	keys, err := passport.ParseKeys([]byte(pemText(t, "PUBLIC KEY", private.Public()) + pemText(t, "PRIVATE KEY", private)))
	if err != nil {
		t.Fatalf("ParseKeys() = %v", err)
	}
	if got := kids(keys); len(got) != 1 || got[0] != kid {
		t.Errorf("the keys are %v, want %s", got, kid)
	}
}

func TestKeysFromEnv(t *testing.T) {
	first, firstID := keyPair(t)
	second, secondID := keyPair(t)
	old, oldID := keyPair(t)
	t.Setenv("PASSPORT_PRIVATE_KEY", strings.ReplaceAll(pemText(t, "PRIVATE KEY", first)+pemText(t, "PRIVATE KEY", second), "\n", `\n`))
	t.Setenv("PASSPORT_PUBLIC_KEY", pemText(t, "PUBLIC KEY", old.Public())+pemText(t, "PUBLIC KEY", first.Public()))
	keys, err := passport.KeysFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(kids(keys), " "), strings.Join([]string{firstID, secondID, oldID}, " "); got != want {
		t.Errorf("the keys are %s, want %s", got, want)
	}
	for name, value := range map[string]string{"a path": "/etc/keys/oauth-private.key", "public only": pemText(t, "PUBLIC KEY", old.Public())} {
		t.Setenv("PASSPORT_PRIVATE_KEY", value)
		if _, err := passport.KeysFromEnv(); err == nil || !strings.Contains(err.Error(), "PASSPORT_PRIVATE_KEY") || !strings.Contains(err.Error(), "PEM") {
			t.Errorf("%s: KeysFromEnv() = %v, want an error that names the variable and its format", name, err)
		}
	}
}

func TestLoadKeys(t *testing.T) {
	dir := t.TempDir()
	first, firstID := keyPair(t)
	writeFile(t, dir, "oauth-private.key", pemText(t, "PRIVATE KEY", first))
	var want []string
	for _, name := range []string{"oauth-private-2024.key", "oauth-private-2025.key", "oauth-private-b.key"} {
		key, kid := keyPair(t)
		writeFile(t, dir, name, pemText(t, "EC PRIVATE KEY", key))
		want = append(want, kid)
	}
	for _, name := range []string{"oauth-private.key.bak", "oauth-private.key~", "oauth-privateer.key", "other.key"} {
		writeFile(t, dir, name, "no key")
	}
	old, oldID := keyPair(t)
	writeFile(t, dir, "oauth-public.key", pemText(t, "PUBLIC KEY", first.Public())+pemText(t, "PUBLIC KEY", old.Public()))
	keys, err := passport.LoadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	want = append(append([]string{firstID}, want...), oldID)
	if got := strings.Join(kids(keys), " "); got != strings.Join(want, " ") {
		t.Errorf("the keys are %s, want %s", got, want)
	}
}

func TestLoadKeys_CurrentDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := passport.WriteKeys("", "", 0, false); err != nil {
		t.Fatal(err)
	}
	further, _ := keyPair(t)
	writeFile(t, "", "oauth-private-old.key", pemText(t, "PRIVATE KEY", further))
	keys, err := passport.LoadKeys("")
	if err != nil || len(kids(keys)) != 2 {
		t.Errorf("LoadKeys() = %v, %v, want the two keys of the current directory", keys, err)
	}
}

func TestLoadKeys_Faults(t *testing.T) {
	private, _ := keyPair(t)
	good := pemText(t, "PRIVATE KEY", private)
	block, _ := pem.Decode([]byte(good))
	encoded := func(typ string, headers map[string]string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: typ, Headers: headers, Bytes: der}))
	}
	for _, tt := range []struct{ name, text, says string }{
		{"empty", "", "-----BEGIN"},
		{"no PEM", "secret", "-----BEGIN"},
		{"cut", good[:len(good)/2], "cut short"},
		{"second key cut", good + good[:len(good)-10], "cut short"},
		{"damaged base64", strings.Replace(good, "M", "!", 1), "cut short"},
		{"DER cut", encoded("PRIVATE KEY", nil, block.Bytes[:40]), "passport keys"},
		{"another form than its label", encoded("RSA PRIVATE KEY", nil, block.Bytes), "passport keys"},
		{"encrypted PKCS#8", encoded("ENCRYPTED PRIVATE KEY", nil, block.Bytes), "passphrase"},
		{"encrypted PKCS#1", encoded("RSA PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, block.Bytes), "passphrase"},
		{"OpenSSH", encoded("OPENSSH PRIVATE KEY", nil, block.Bytes), "OpenSSH"},
		{"certificate", encoded("CERTIFICATE", nil, block.Bytes), "neither"},
		{"no key for this algorithm", "Alg: PS256\n" + good, "algorithm"},
		{"no such algorithm", "Alg: none\n" + good, "algorithm"},
		{"too large", good + strings.Repeat("\n", 1<<20), "too large"},
		{"public key only", pemText(t, "PUBLIC KEY", private.Public()), "passport keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "oauth-private.key", tt.text)
			keys, err := passport.LoadKeys(dir)
			if err == nil {
				t.Fatalf("LoadKeys() = %v, want an error", keys)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("LoadKeys() = %v, want an error that contains %q and the folder", err, tt.says)
			}
		})
	}
	if _, err := passport.LoadKeys(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "passport keys") || !strings.Contains(err.Error(), "oauth-private.key") {
		t.Errorf("LoadKeys() of an empty directory = %v, want fs.ErrNotExist, the file and the remedy", err)
	}
	dir := t.TempDir()
	writeFile(t, dir, "oauth-private.key", good)
	writeFile(t, dir, "oauth-public.key", "no key")
	if _, err := passport.LoadKeys(dir); err == nil || !strings.Contains(err.Error(), "oauth-public.key") {
		t.Errorf("LoadKeys() with an invalid public key = %v, want an error that names the file", err)
	}
}

// LoadKeys names a remedy for the folder that it was given. It doesn't suggest a new
// key pair without --force, because that ends every token that the old key signed.
func TestLoadKeys_WithoutThePrivateKey(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(t *testing.T, dir string)
		want  []string
		not   string
	}{
		{"nothing", func(*testing.T, string) {}, []string{"create keys with `passport keys --keys-dir "}, "--force"},
		{"the public key alone", func(t *testing.T, dir string) { writeFile(t, dir, "oauth-public.key", "any") },
			[]string{"oauth-public.key exists without its private key", "restore ", "--force`, which invalidates every token"}, "create keys"},
		{"a dangling link", func(t *testing.T, dir string) {
			if err := os.Symlink("gone", filepath.Join(dir, "oauth-private.key")); err != nil {
				t.Fatal(err)
			}
		}, []string{"is a link to a missing file", "--force`, which invalidates every token"}, "create keys"},
	} {
		if test.name == "a dangling link" && runtime.GOOS == "windows" {
			continue // on Windows, creating a link needs a privilege
		}
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.leave(t, dir)
			_, load := passport.LoadKeys(dir)
			_, rotate := passport.RotateKeyFiles(dir, passport.Rotation{Overlap: time.Hour})
			for what, err := range map[string]error{"LoadKeys": load, "RotateKeyFiles": rotate} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Fatalf("%s = %v, want fs.ErrNotExist", what, err)
				}
				for _, want := range append(test.want, dir) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s = %v, want an error that contains %q", what, err, want)
					}
				}
				for _, not := range []string{test.not, "PASSPORT_PRIVATE_KEY"} {
					if strings.Contains(err.Error(), not) {
						t.Errorf("%s = %v, want an error without %q", what, err, not)
					}
				}
			}
		})
	}
}

// All users may read the public key file, so a private key in it is an error.
func TestLoadKeys_PrivateKeyInPlaceOfAPublicOne(t *testing.T) {
	first, _ := keyPair(t)
	other, _ := keyPair(t)
	private, public := pemText(t, "PRIVATE KEY", first), pemText(t, "PUBLIC KEY", first.Public())
	for name, texts := range map[string][2]string{
		"swapped":                   {public, private},
		"the same key twice":        {private, private},
		"another private key":       {private, pemText(t, "EC PRIVATE KEY", other)},
		"behind its public half":    {private, public + private},
		"in one line, with escapes": {private, strings.ReplaceAll(private, "\n", `\n`)},
	} {
		dir := t.TempDir()
		writeFile(t, dir, "oauth-private.key", texts[0])
		writeFile(t, dir, "oauth-public.key", texts[1])
		if _, err := passport.LoadKeys(dir); err == nil || !strings.Contains(err.Error(), "oauth-public.key: key ") || !strings.Contains(err.Error(), "private key in the place of a public one") {
			t.Errorf("%s: LoadKeys() = %v, want an error", name, err)
		}
		t.Setenv("PASSPORT_PRIVATE_KEY", texts[0])
		t.Setenv("PASSPORT_PUBLIC_KEY", texts[1])
		if _, err := passport.KeysFromEnv(); err == nil || !strings.Contains(err.Error(), "PASSPORT_PUBLIC_KEY: key ") {
			t.Errorf("%s: KeysFromEnv() = %v, want an error", name, err)
		}
	}
}
