package testkit

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
)

// LaravelAppKey is an APP_KEY of Laravel.
const LaravelAppKey = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// LaravelHeader is the header of the access tokens of Laravel Passport.
const LaravelHeader = `{"typ":"JWT","alg":"RS256"}`

// LaravelKey returns the RSA key of an installation of Laravel Passport.
var LaravelKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048) //nolint:mnd // the usual size
	if err != nil {
		panic(err)
	}
	return key
})

// PublicPEM returns a public key in PEM.
func PublicPEM(t testing.TB, key *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// LaravelJWT returns an access token as Laravel Passport makes it.
func LaravelJWT(t testing.TB, key *rsa.PrivateKey, header string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + encode(signature)
}

// LaravelCiphertext returns a refresh token or code as Laravel Passport makes it with
// [LaravelAppKey]: version 2 of defuse/php-encryption.
func LaravelCiphertext(t testing.TB, content map[string]any) string {
	t.Helper()
	plain, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	_, encoded, _ := strings.Cut(LaravelAppKey, ":")
	password, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	const version, salted, started = 4, 36, 52
	out := append([]byte{0xde, 0xf5, 0x02, 0x00}, make([]byte, started-version)...)
	rand.Read(out[version:])
	salt, iv := out[version:salted], out[salted:started]
	digest := sha256.Sum256(password)
	const rounds = 100_000
	stretched, err := pbkdf2.Key(sha256.New, string(digest[:]), salt, rounds, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	key := func(use string) []byte {
		k, err := hkdf.Key(sha256.New, stretched, salt, "DefusePHP|V2|KeyFor"+use, sha256.Size)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	block, err := aes.NewCipher(key("Encryption"))
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(block, iv).XORKeyStream(plain, plain)
	out = append(out, plain...)
	mac := hmac.New(sha256.New, key("Authentication"))
	mac.Write(out)
	return hex.EncodeToString(mac.Sum(out))
}
