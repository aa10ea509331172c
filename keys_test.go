package passport_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
)

// keyPair returns a new P-256 key and the kid that Keys give it.
func keyPair(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(private)
	if err != nil {
		t.Fatal(err)
	}
	return private, kids(keys)[0]
}

// kids returns the IDs that Keys show, those that sign first.
func kids(keys *passport.Keys) []string {
	var ids []string
	for name := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(fmt.Sprint(keys), "passport.Keys"), "()"), ", ") {
		_, id, _ := strings.Cut(name, " ")
		ids = append(ids, id)
	}
	return ids
}

// pemText returns a key in the PEM form of a type.
func pemText(t testing.TB, form string, key any) string {
	t.Helper()
	var der []byte
	var err error
	switch form {
	case "PRIVATE KEY":
		der, err = x509.MarshalPKCS8PrivateKey(key)
	case "RSA PRIVATE KEY":
		der = x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))
	case "EC PRIVATE KEY":
		der, err = x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	case "PUBLIC KEY":
		der, err = x509.MarshalPKIXPublicKey(key)
	case "RSA PUBLIC KEY":
		der = x509.MarshalPKCS1PublicKey(key.(*rsa.PublicKey))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: form, Bytes: der}))
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// There is no key that everybody has: without one nothing starts.
func TestKeys_NeverRepeat_C14_NoDefault(t *testing.T) {
	private, _ := keyPair(t)
	t.Setenv("PASSPORT_PRIVATE_KEY", "")
	t.Setenv("PASSPORT_PUBLIC_KEY", pemText(t, "PUBLIC KEY", private.Public()))
	for name, make := range map[string]func() (*passport.Keys, error){
		"no signer":            func() (*passport.Keys, error) { return passport.NewKeys() },
		"nil":                  func() (*passport.Keys, error) { return passport.NewKeys(nil) },
		"a nil ECDSA key":      func() (*passport.Keys, error) { return passport.NewKeys((*ecdsa.PrivateKey)(nil)) },
		"a nil RSA key":        func() (*passport.Keys, error) { return passport.NewKeys((*rsa.PrivateKey)(nil)) },
		"a nil key for PS256":  func() (*passport.Keys, error) { return passport.NewKeys(passport.PS256(nil)) },
		"an empty ECDSA key":   func() (*passport.Keys, error) { return passport.NewKeys(new(ecdsa.PrivateKey)) },
		"an empty RSA key":     func() (*passport.Keys, error) { return passport.NewKeys(new(rsa.PrivateKey)) },
		"an empty Ed25519 key": func() (*passport.Keys, error) { return passport.NewKeys(ed25519.PrivateKey(nil)) },
		"an empty text":        func() (*passport.Keys, error) { return passport.ParseKeys(nil) },
		"a public key alone": func() (*passport.Keys, error) {
			return passport.ParseKeys([]byte(pemText(t, "PUBLIC KEY", private.Public())))
		},
		"the environment":    passport.KeysFromEnv,
		"an empty directory": func() (*passport.Keys, error) { return passport.LoadKeys(t.TempDir()) },
		"no directory":       func() (*passport.Keys, error) { return passport.LoadKeys(filepath.Join(t.TempDir(), "none")) },
	} {
		if keys, err := make(); err == nil || keys != nil {
			t.Errorf("%s: got %v, %v, want an error", name, keys, err)
		}
	}
	a, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	b, err := passport.GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	if kids(a)[0] == kids(b)[0] {
		t.Error("GenerateKeys returned one key twice")
	}
}

func TestKeys_JK_03_WeakKeys(t *testing.T) {
	weak := map[string]any{}
	if short, err := rsa.GenerateKey(rand.Reader, 1024); err == nil {
		weak["RSA of 1024 bits"] = short
	}
	for name, curve := range map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		weak[name] = key
	}
	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak["X25519, which cannot sign"] = agreement
	for name, key := range weak {
		if keys, err := passport.ParseKeys([]byte(pemText(t, "PRIVATE KEY", key))); err == nil {
			t.Errorf("%s was accepted: %v", name, keys)
		}
		if signer, ok := key.(crypto.Signer); ok {
			if keys, err := passport.NewKeys(signer); err == nil {
				t.Errorf("%s was accepted: %v", name, keys)
			}
		}
	}
}

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
				t.Fatalf("ParseKeys = %v", err)
			}
			if got := fmt.Sprint(keys); !strings.HasPrefix(got, "passport.Keys("+tt.want+" ") || strings.Contains(got, ",") {
				t.Errorf("ParseKeys = %s, want one key for %s", got, tt.want)
			}
			if tt.want == "ES256" && kids(keys)[0] != kid {
				t.Errorf("the key has the ID %s, want %s", kids(keys)[0], kid)
			}
		})
	}
}

// The first private key signs; a key that comes twice counts once.
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
		t.Errorf("the keys are %s, want the RSA key once, for PS256", got)
	}
	if _, err := passport.NewKeys(passport.PS256(first)); err == nil {
		t.Error("a P-256 key was taken for PS256")
	}
}

// A private half that comes after its public one makes the key sign.
func TestParseKeys_PublicHalfFirst(t *testing.T) {
	private, kid := keyPair(t)
	keys, err := passport.ParseKeys([]byte(pemText(t, "PUBLIC KEY", private.Public()) + pemText(t, "PRIVATE KEY", private)))
	if err != nil {
		t.Fatalf("ParseKeys = %v", err)
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
			t.Errorf("%s: KeysFromEnv = %v, want an error that names the variable and what it holds", name, err)
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

// No directory is the current one, for both who write and who read.
func TestLoadKeys_CurrentDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := passport.WriteKeys("", "", 0, false); err != nil {
		t.Fatal(err)
	}
	further, _ := keyPair(t)
	writeFile(t, "", "oauth-private-old.key", pemText(t, "PRIVATE KEY", further))
	keys, err := passport.LoadKeys("")
	if err != nil || len(kids(keys)) != 2 {
		t.Errorf("LoadKeys = %v, %v, want the two keys of the current directory", keys, err)
	}
}

// Each error names the file and what to do.
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
		{"another form than it says", encoded("RSA PRIVATE KEY", nil, block.Bytes), "passport keys"},
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
				t.Fatalf("LoadKeys = %v", keys)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), dir) {
				t.Errorf("LoadKeys = %v, which does not say %q and where", err, tt.says)
			}
		})
	}
	if _, err := passport.LoadKeys(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "passport keys") || !strings.Contains(err.Error(), "oauth-private.key") {
		t.Errorf("LoadKeys of an empty directory = %v, want fs.ErrNotExist, the file and the remedy", err)
	}
	dir := t.TempDir()
	writeFile(t, dir, "oauth-private.key", good)
	writeFile(t, dir, "oauth-public.key", "no key")
	if _, err := passport.LoadKeys(dir); err == nil || !strings.Contains(err.Error(), "oauth-public.key") {
		t.Errorf("LoadKeys with a public key that is none = %v, want an error that names the file", err)
	}
}

// Whatever is wrong with a key, the error shows nothing of it (CVE-2023-37260).
func TestKeys_NeverRepeat_C8_ErrorsWithoutContents(t *testing.T) {
	ec, _ := keyPair(t)
	t.Setenv("PASSPORT_PUBLIC_KEY", "")
	for _, text := range []string{
		pemText(t, "PRIVATE KEY", ec), pemText(t, "EC PRIVATE KEY", ec), pemText(t, "PRIVATE KEY", rsaKey()), pemText(t, "RSA PRIVATE KEY", rsaKey()),
	} {
		var edits []string
		for i := 0; i < len(text); i += 7 {
			edits = append(edits, text[:i], text[i:], text[:i]+"?"+text[i:], text[:i]+text[min(i+4, len(text)):], text[:i]+"A"+text[min(i+1, len(text)):])
		}
		edits = append(edits, "x"+text, strings.ReplaceAll(text, "-----", ""), strings.ReplaceAll(text, "PRIVATE", "SECRET"), strings.ReplaceAll(text, "\n", " "))
		for _, edited := range edits {
			_, err := passport.ParseKeys([]byte(edited))
			t.Setenv("PASSPORT_PRIVATE_KEY", edited)
			_, envErr := passport.KeysFromEnv()
			for _, err := range []error{err, envErr} {
				if err != nil && shows(err.Error(), text) {
					t.Fatalf("the error shows part of the key: %v", err)
				}
			}
		}
	}
}

// shows reports whether a text has any ten characters of the body of a PEM text.
func shows(text, secret string) bool {
	lines := strings.Split(strings.TrimSpace(secret), "\n")
	for _, line := range lines[1 : len(lines)-1] {
		for i := 0; i+10 <= len(line); i++ {
			if strings.Contains(text, line[i:i+10]) {
				return true
			}
		}
	}
	return false
}

func TestKeys_NeverRepeat_C8_JK_04_PrintNothing(t *testing.T) {
	ec, _ := keyPair(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(ec, ed, passport.PS256(rsaKey()))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Keys   *passport.Keys
		keys   *passport.Keys
		value  passport.Keys
		signer crypto.Signer
	}
	var texts []string
	for _, value := range []any{
		keys, *keys, holder{keys, keys, *keys, passport.PS256(rsaKey())}, &holder{keys, keys, *keys, nil}, []*passport.Keys{keys}, passport.PS256(rsaKey()),
		map[string]any{"keys": keys}, fmt.Errorf("trouble with %v", keys), passport.Config{Keys: keys},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("test", "value", value)
		}
		encoded, _ := json.Marshal(value) // not every value has a JSON form
		texts = append(texts, log.String(), string(encoded))
	}
	d, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{d, ed.Seed(), rsaKey().D.Bytes(), rsaKey().Primes[0].Bytes()} {
		part := secret[4:12]
		canaries := []string{
			string(part), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), strings.Trim(fmt.Sprint(part), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}"),
			rsaKey().D.String()[:20], rsaKey().Primes[0].String()[:20],
		}
		for _, text := range texts {
			for _, canary := range canaries {
				if strings.Contains(text, canary) {
					t.Fatalf("a private key shows in %.300s", text)
				}
			}
		}
	}
	if text := fmt.Sprint(keys); !strings.Contains(text, "ES256 ") || !strings.Contains(text, "PS256 ") {
		t.Errorf("the keys print as %s, want their algorithms and IDs", text)
	}
	var none *passport.Keys
	if got := fmt.Sprint(none); got == "" {
		t.Error("no keys print as nothing")
	}
}

func TestWriteKeys_JK_04(t *testing.T) {
	for alg, want := range map[string]string{"": "ES256", "ES256": "ES256", "EdDSA": "EdDSA", "RS256": "RS256", "PS256": "PS256"} {
		t.Run("algorithm "+alg, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "storage")
			if err := passport.WriteKeys(dir, alg, 0, false); err != nil {
				t.Fatal(err)
			}
			keys, err := passport.LoadKeys(dir)
			if err != nil || !strings.HasPrefix(fmt.Sprint(keys), "passport.Keys("+want+" ") || len(kids(keys)) != 1 {
				t.Fatalf("LoadKeys of what was written = %v, %v, want one key for %s", keys, err, want)
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
			// Others read the files too: PKCS#8 and SPKI, whatever stands above.
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
					t.Errorf("the RSA key is not of 3072 bits: %v", err)
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
		"es256 in small":        func(dir string) error { return passport.WriteKeys(dir, "es256", 0, false) },
		"a file as directory":   func(string) error { return passport.WriteKeys(file, "", 0, false) },
	} {
		dir := t.TempDir()
		if err := write(dir); err == nil {
			t.Errorf("%s: WriteKeys did it", name)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: WriteKeys left %v, %v", name, entries, err)
		}
	}
}

// A key that is there is worth all that it signed: only force replaces it.
func TestWriteKeys_KeepsWhatIsThere(t *testing.T) {
	for _, present := range []string{"oauth-private.key", "oauth-public.key"} {
		dir := t.TempDir()
		writeFile(t, dir, present, "mine")
		if err := passport.WriteKeys(dir, "", 0, false); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), present) {
			t.Errorf("WriteKeys beside %s = %v, want fs.ErrExist and its name", present, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("WriteKeys beside %s left %v, %v", present, entries, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, present)); err != nil || string(text) != "mine" {
			t.Errorf("%s now holds %d other bytes, %v", present, len(text), err)
		}
		if err := passport.WriteKeys(dir, "", 0, true); err != nil {
			t.Errorf("WriteKeys with force = %v", err)
		}
		if keys, err := passport.LoadKeys(dir); err != nil || len(kids(keys)) != 1 {
			t.Errorf("LoadKeys after force = %v, %v, want one key", keys, err)
		}
	}
}

// Several nodes that start on one directory agree on one key, and none ever
// reads half of it.
func TestWriteKeys_AtOnce(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var wg sync.WaitGroup
		var mu sync.Mutex
		written, loaded := 0, map[string]bool{}
		for range 8 {
			wg.Go(func() {
				err := passport.WriteKeys(dir, "", 0, false)
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("WriteKeys = %v", err)
				}
				keys, loadErr := passport.LoadKeys(dir)
				if loadErr != nil {
					t.Errorf("LoadKeys after WriteKeys = %v", loadErr)
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
			t.Fatalf("%d of 8 wrote the key, %d different ones were loaded, want 1 and 1", written, len(loaded))
		}
	}
}
