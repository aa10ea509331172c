// Package seal encrypts small values that travel through a browser and come
// back, such as the ticket of a consent page. What was changed on the way, cut,
// made longer, or sealed for another purpose does not open.
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

// MaxBytes is the longest sealed value that is opened, longer than any that
// fits in the form of a page. Anything longer is refused before it is read.
const MaxBytes = 64 << 10

// nonceSize is the length of the random part: one half chooses the key of this
// one value, the other is the nonce of AES-GCM. With one key for all, random
// nonces of 96 bits are safe for 2³² values only, which a busy server's cookies
// use up in weeks.
const nonceSize = 24

// ErrSealed says that a value was not sealed by any of the boxes for this
// purpose. Why, nobody outside needs to know.
var ErrSealed = errors.New("seal: not a value that was sealed here for this purpose")

// Box seals and opens with one key.
type Box struct {
	id     string
	subkey func() []byte // a func, so that no way of printing a Box shows it
}

// New returns the box for a key. Its ID is sent along with each value in clear
// text; it is base64url and not empty.
func New(id string, key [32]byte) *Box {
	return &Box{id: id, subkey: func() []byte { return key[:] }}
}

// ID names the box's key.
func (b *Box) ID() string { return b.id }

// Seal returns plaintext encrypted and authenticated for a purpose, safe in a
// URL, a form and a cookie.
func (b *Box) Seal(purpose string, plaintext []byte) string {
	nonce := make([]byte, nonceSize, nonceSize+len(plaintext)+16)
	rand.Read(nonce) // it never fails: it ends the program
	sealed := b.aead(purpose, nonce).Seal(nonce, nonce[nonceSize/2:], plaintext, b.bound(purpose))
	return b.id + "." + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns what one of the boxes sealed for the purpose, and the ID of that
// box; else it is [ErrSealed].
func Open(boxes []*Box, purpose, sealed string) (plaintext []byte, id string, err error) {
	id, text, ok := strings.Cut(sealed, ".")
	// The decoder skips line ends, whatever its mode.
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
		panic(err) // only for a length of key that no SHA-256 has
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a block size that AES has not
	}
	return aead
}

// bound is what is authenticated with each value and not part of it.
func (b *Box) bound(purpose string) []byte { return []byte(b.id + "." + purpose) }

// LogValue implements [slog.LogValuer]: the ID, never the key.
func (b *Box) LogValue() slog.Value { return slog.StringValue(b.id) }

// Format implements [fmt.Formatter]: the ID, never the key.
func (b *Box) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "seal.Box(%s)", b.id) }
