package laravelimport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// AppKey is a key of a Laravel application (APP_KEY).
type AppKey struct{ raw []byte }

// Format implements [fmt.Formatter]. It never prints the key.
func (k AppKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "laravelimport.AppKey") }

// LogValue implements [slog.LogValuer]. It never logs the key.
func (k AppKey) LogValue() slog.Value { return slog.StringValue("laravelimport.AppKey") }

// ParseAppKey reads a key as it is in the file .env of Laravel: base64: and 32 bytes, or
// 16 for AES-128. The error does not repeat the key.
func ParseAppKey(s string) (AppKey, error) {
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	encoded, isBase64 := strings.CutPrefix(s, "base64:")
	raw := []byte(s)
	if isBase64 {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return AppKey{}, errors.New("the application key is not valid base64: copy the whole line APP_KEY from the file .env")
		}
	}
	if n := len(raw); n != 16 && n != 32 {
		return AppKey{}, fmt.Errorf("the application key has %d bytes: want 32, or 16 for AES-128; copy the whole line APP_KEY from the file .env, with base64: in front", n)
	}
	return AppKey{raw}, nil
}

// fingerprint identifies the key in the target. It is a digest of random bits, so it
// reveals nothing.
func (k AppKey) fingerprint() string {
	sum := sha256.Sum256(append([]byte("laravel app key\x00"), k.raw...))
	return hex.EncodeToString(sum[:16])
}

// envelope is a value that Laravel's encrypter wrote: base64 of JSON.
type envelope struct {
	IV    string `json:"iv"`
	Value string `json:"value"`
	MAC   string `json:"mac"`
	Tag   string `json:"tag"`
}

// envelopePrefix is how each encrypted value of Laravel begins: base64 of {"iv":
const envelopePrefix = "eyJpdiI6"

func parseEnvelope(s string) (e envelope, ok bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &e) != nil {
		return e, false
	}
	return e, e.IV != "" && (e.MAC != "" || e.Tag != "")
}

// opensEnvelope reports whether the key authenticates an encrypted value: by its HMAC for
// CBC, or by decryption for GCM.
func (k AppKey) opensEnvelope(e envelope) bool {
	if e.MAC != "" {
		mac := hmac.New(sha256.New, k.raw)
		mac.Write([]byte(e.IV + e.Value))
		given, err := hex.DecodeString(e.MAC)
		return err == nil && hmac.Equal(mac.Sum(nil), given)
	}
	iv, ivErr := base64.StdEncoding.DecodeString(e.IV)
	value, valueErr := base64.StdEncoding.DecodeString(e.Value)
	tag, tagErr := base64.StdEncoding.DecodeString(e.Tag)
	block, err := aes.NewCipher(k.raw)
	if errors.Join(ivErr, valueErr, tagErr, err) != nil || len(iv) != 12 {
		return false
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return false
	}
	_, err = gcm.Open(nil, iv, append(value, tag...), nil)
	return err == nil
}

// The form of an encrypted code or refresh token: header, salt, IV, text and HMAC.
const (
	cipherHeader = "\xde\xf5\x02\x00"
	cipherSalt   = 32
	cipherIV     = 16
	cipherMAC    = sha256.Size
	cipherLeast  = len(cipherHeader) + cipherSalt + cipherIV + cipherMAC
	cipherRounds = 100_000
	cipherInfo   = "DefusePHP|V2|KeyForAuthentication"
)

// opensToken reports whether the key authenticates an encrypted code or refresh token.
func (k AppKey) opensToken(token string) bool {
	b, err := hex.DecodeString(token)
	if err != nil || len(b) < cipherLeast || string(b[:len(cipherHeader)]) != cipherHeader {
		return false
	}
	salt := b[len(cipherHeader) : len(cipherHeader)+cipherSalt]
	prehash := sha256.Sum256(k.raw)
	prekey, err := pbkdf2.Key(sha256.New, string(prehash[:]), salt, cipherRounds, sha256.Size)
	if err != nil {
		return false
	}
	key, err := hkdf.Key(sha256.New, prekey, salt, cipherInfo, sha256.Size)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(b[:len(b)-cipherMAC])
	return hmac.Equal(mac.Sum(nil), b[len(b)-cipherMAC:])
}
