// Package seal encrypts small values that travel through a browser and return,
// such as the ticket of a consent page. A value that was changed, truncated,
// extended, or sealed for another purpose does not open.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// MaxBytes is the length of the longest sealed value that Open accepts, longer
// than any that fits in a page's form. Open refuses longer ones before it
// decodes them.
const MaxBytes = 64 << 10

// nonceSize is the length of the random part. One half selects the key for this
// value, the other is the nonce of AES-GCM. With a single key, random 96-bit
// nonces are safe for only 2³² values, and the cookies of a busy server use
// these up in weeks.
const nonceSize = 24

// ErrSealed is the error for a value that none of the boxes sealed for this
// purpose. It does not say why, because clients need not know.
var ErrSealed = errors.New("seal: not a value that was sealed here for this purpose")

// Box seals and opens with one key.
type Box struct {
	id     string
	subkey func() []byte // a func, so that no way of printing a Box shows the key
}

// New returns the box for a key. The ID is base64url and not empty. Each sealed
// value begins with it in clear text.
func New(id string, key [32]byte) *Box {
	return &Box{id: id, subkey: func() []byte { return key[:] }}
}

// ID returns the ID of the box's key.
func (b *Box) ID() string { return b.id }

// Seal encrypts and authenticates plaintext for a purpose. The result is safe
// in a URL, a form and a cookie.
func (b *Box) Seal(purpose string, plaintext []byte) string {
	nonce := make([]byte, nonceSize, nonceSize+len(plaintext)+16)
	rand.Read(nonce) // Read returns no error: it ends the program instead
	sealed := b.aead(purpose, nonce).Seal(nonce, nonce[nonceSize/2:], plaintext, b.bound(purpose))
	return b.id + "." + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns a plaintext that one of the boxes sealed for the purpose, and
// the ID of that box. Otherwise it returns [ErrSealed].
func Open(boxes []*Box, purpose, sealed string) (plaintext []byte, id string, err error) {
	id, text, ok := strings.Cut(sealed, ".")
	// Base64 decoders skip line ends, in strict mode too.
	if !ok || len(sealed) > MaxBytes || strings.ContainsAny(text, "\r\n") {
		return nil, "", ErrSealed
	}
	for _, b := range boxes {
		if b.id == id {
			plaintext, err = b.open(purpose, text)
			return plaintext, id, err
		}
	}
	return nil, "", ErrSealed
}

func (b *Box) open(purpose, text string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < nonceSize {
		return nil, ErrSealed
	}
	nonce, ciphertext := raw[:nonceSize], raw[nonceSize:]
	plaintext, err := b.aead(purpose, nonce).Open(nil, nonce[nonceSize/2:], ciphertext, b.bound(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// aead returns the cipher for one value.
func (b *Box) aead(purpose string, nonce []byte) cipher.AEAD {
	mac := hmac.New(sha256.New, b.subkey())
	mac.Write(nonce[:nonceSize/2])
	mac.Write([]byte(purpose))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic(err) // only for a key length other than SHA-256's
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a block size other than AES's
	}
	return aead
}

// bound returns the additional data that each value authenticates.
func (b *Box) bound(purpose string) []byte { return []byte(b.id + "." + purpose) }

// LogValue implements [slog.LogValuer]. It shows the ID, never the key.
func (b *Box) LogValue() slog.Value { return slog.StringValue(b.id) }

// Format implements [fmt.Formatter]. It shows the ID, never the key.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "seal.Box(%s)", b.id) }
