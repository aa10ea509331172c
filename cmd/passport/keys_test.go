package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"
)

// published returns the IDs of the keys that a server publishes. The first is the one
// that signs.
func published(t *testing.T, s *server) (ids []string) {
	t.Helper()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(jwks(t, s)), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		ids = append(ids, key.ID)
	}
	return ids
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// PASSPORT_PRIVATE_KEY and PASSPORT_PUBLIC_KEY accept a key in every form that
// environments have. All of these are one key.
func TestKeys_FromTheEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8DER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, pkcs1 := pemOf("PRIVATE KEY", pkcs8DER), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	public, public1 := pemOf("PUBLIC KEY", publicDER), pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))
	oneLine := func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	want := ""
	for _, test := range []struct{ name, private, public string }{
		{"PKCS#8 with real line ends", pkcs8, public},
		{"PKCS#1 with real line ends", pkcs1, public1},
		{`PKCS#8 with \n`, oneLine(pkcs8), oneLine(public)},
		{`PKCS#1 with \n`, oneLine(pkcs1), oneLine(public)},
		{"with CRLF", crlf(pkcs8), crlf(public)},
		{`with \r\n`, oneLine(crlf(pkcs1)), oneLine(crlf(public))},
		{"without the last line end", strings.TrimSpace(crlf(pkcs1)), strings.TrimSpace(public)},
		{"in quotes that a file left", `"` + pkcs1 + `"`, `"` + oneLine(public) + `"`},
		{"without a public key", pkcs8, ""},
		{"FR-46: with blanks for line ends", strings.ReplaceAll(pkcs1, "\n", " "), strings.ReplaceAll(public, "\n", " ")},
		{"FR-46: as base64 texts", base64.StdEncoding.EncodeToString([]byte(pkcs1)) + "\n", base64.StdEncoding.EncodeToString([]byte(public))},
		{"FR-46: as base64 of DER, and a public key in quotes", base64.StdEncoding.EncodeToString(pkcs8DER), "'" + public + "'"},
		{"FR-46: with a byte order mark", "\uFEFF" + pkcs8, "\uFEFF" + public},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, []string{"PASSPORT_PRIVATE_KEY=" + test.private, "PASSPORT_PUBLIC_KEY=" + test.public}, "serve")
			ids := published(t, s)
			if len(ids) != 1 || want != "" && ids[0] != want {
				t.Errorf("the server publishes the keys %v, want one, %s", ids, want)
			}
			want = ids[0]
			s.stop(t)
		})
	}
	if entries, err := os.ReadDir("storage"); err != nil || len(entries) == 0 || strings.Contains(entries[0].Name(), "key") {
		t.Errorf("the folder storage has %v, %v; want no keys in it, because they are in the environment", entries, err)
	}
}

// Further keys, in the environment or in the folder, verify and do not sign.
func TestKeys_SeveralVerify(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "keys", "--keys-dir", "old")
	command(t, "", "keys", "--keys-dir", "new")
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := func(env ...string) []string {
		s := start(t, env, "serve")
		defer s.stop(t)
		return published(t, s)
	}
	oldID, newID := first("PASSPORT_KEYS_DIR=old")[0], first("PASSPORT_KEYS_DIR=new")[0]
	want := newID + " " + oldID
	fresh := read("new/oauth-private.key")
	if got := strings.Join(first("PASSPORT_PRIVATE_KEY="+fresh, "PASSPORT_PUBLIC_KEY="+read("old/oauth-public.key")), " "); got != want {
		t.Errorf("with the old public key in the environment the server publishes %s, want %s", got, want)
	}
	if got := strings.Join(first("PASSPORT_PRIVATE_KEY="+fresh+read("old/oauth-private.key")), " "); got != want {
		t.Errorf("with both private keys in the environment the server publishes %s, want %s", got, want)
	}
	write(t, "new/oauth-private-old.key", read("old/oauth-private.key"))
	if got := strings.Join(first("PASSPORT_KEYS_DIR=new"), " "); got != want {
		t.Errorf("with both private keys in the folder the server publishes %s, want %s", got, want)
	}
}

// A public key alone can't sign, and the server does not use other keys instead.
func TestKeys_PublicAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	status, said := attempt(t, []string{"PASSPORT_PUBLIC_KEY=x"}, "serve", "--listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(said, "public_key is set without private_key") {
		t.Errorf("the server ended with %d and said\n%s", status, said)
	}
}

// A private key in place of the public one is refused.
func TestKeys_PrivateKeyAsThePublicOne(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, "", "keys")
	private, err := os.ReadFile("storage/oauth-private.key")
	if err != nil {
		t.Fatal(err)
	}
	status, said := attempt(t, []string{"PASSPORT_PRIVATE_KEY=" + string(private), "PASSPORT_PUBLIC_KEY=" + string(private)}, "serve", "--listen", "127.0.0.1:0")
	if status != 1 || !strings.Contains(said, "public_key has a private key") {
		t.Errorf("the server ended with %d and said\n%s", status, said)
	}
}

// With half of a key pair the server does not start, says why once, and does not claim
// that it created keys.
func TestServe_PublicKeyWithoutItsPrivateKey(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("storage", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, "storage/oauth-public.key", "any")
	var out bytes.Buffer
	status := passport(t.Context(), strings.NewReader(""), &out, &out, nil, "serve", "--listen", "127.0.0.1:0")
	said := out.String()
	if status != 1 || !strings.Contains(said, "storage/oauth-public.key exists without its private key: restore storage/oauth-private.key, or create a new key pair with `passport keys --keys-dir storage --force`") {
		t.Errorf("serve: status %d, %s\nwant 1 and what to do", status, said)
	}
	if strings.Contains(said, "generated the signing keys") {
		t.Errorf("serve says that it created keys:\n%s", said)
	}
}
