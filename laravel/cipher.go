package laravel

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// The format of the refresh tokens and codes of Laravel Passport: version 2 of
// defuse/php-encryption with a password, in hexadecimal. The HMAC covers all before it.
const (
	cipherVersion = "def50200"

	versionSize, saltSize, ivSize, macSize = 4, 32, aes.BlockSize, sha256.Size

	// No refresh token and no code is shorter or longer than this, in hexadecimal. The
	// shortest has 200 characters of JSON.
	shortestCiphertext = 2 * (versionSize + saltSize + ivSize + 200 + macSize)
	longestCiphertext  = 8 << 10

	iterations = 100_000
)

// IsPresented implements [feature.Foreign].
func (f *foreign) IsPresented(value string) bool {
	return len(f.appKeys) > 0 && len(value) >= shortestCiphertext && len(value) <= longestCiphertext && len(value)%2 == 0 &&
		strings.EqualFold(value[:len(cipherVersion)], cipherVersion)
}

var errCiphertext = errors.New("the ciphertext was not made with this key")

// decrypt opens a ciphertext. Most of the work is the derivation of the keys.
func decrypt(raw, appKey []byte) ([]byte, error) {
	if len(raw) < versionSize+saltSize+ivSize+macSize {
		return nil, errCiphertext
	}
	signed, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	salt := raw[versionSize : versionSize+saltSize]
	iv := raw[versionSize+saltSize : versionSize+saltSize+ivSize]
	authKey, cipherKey, err := deriveKeys(appKey, salt)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, authKey)
	h.Write(signed)
	if !hmac.Equal(h.Sum(nil), mac) {
		return nil, errCiphertext
	}
	block, err := aes.NewCipher(cipherKey)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(signed)-versionSize-saltSize-ivSize)
	cipher.NewCTR(block, iv).XORKeyStream(plain, signed[versionSize+saltSize+ivSize:])
	return plain, nil
}

// deriveKeys returns the key of the HMAC and the key of the cipher.
func deriveKeys(appKey, salt []byte) (authKey, cipherKey []byte, err error) {
	digest := sha256.Sum256(appKey)
	stretched, err := pbkdf2.Key(sha256.New, string(digest[:]), salt, iterations, sha256.Size)
	if err == nil {
		authKey, err = hkdf.Key(sha256.New, stretched, salt, "DefusePHP|V2|KeyForAuthentication", sha256.Size)
	}
	if err == nil {
		cipherKey, err = hkdf.Key(sha256.New, stretched, salt, "DefusePHP|V2|KeyForEncryption", sha256.Size)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("derive the keys of a ciphertext: %w", err)
	}
	return authKey, cipherKey, nil
}
