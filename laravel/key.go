package laravel

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
)

// smallestKey is the size of the smallest RSA key that Laravel Passport signs with.
const smallestKey = 2048

// parseKeys returns the public keys in a PEM text: PKIX or PKCS #1, or of private keys.
// The characters "\n" are a line end, as in the variables of Laravel.
func parseKeys(text string) (keys []*rsa.PublicKey, err error) {
	rest := []byte(strings.ReplaceAll(text, `\n`, "\n"))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key := publicKey(block.Bytes)
		switch {
		case key == nil:
			return nil, errors.New("want an RSA key: the text of oauth-public.key")
		case key.N.BitLen() < smallestKey:
			return nil, errors.New("the RSA key is too short: want 2048 bits or more")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("want a key in PEM: the text of oauth-public.key")
	}
	return keys, nil
}

func publicKey(der []byte) *rsa.PublicKey {
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		public, _ := key.(*rsa.PublicKey)
		return public
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return &key.PublicKey
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if private, ok := key.(*rsa.PrivateKey); ok {
			return &private.PublicKey
		}
	}
	return nil
}

// parseAppKey returns the bytes of an APP_KEY: base64 after "base64:", otherwise the text
// itself.
func parseAppKey(text string) ([]byte, error) {
	key := []byte(text)
	if encoded, ok := strings.CutPrefix(text, "base64:"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return nil, errors.New("the text after base64: is not base64: copy APP_KEY from the file .env of Laravel")
		}
	}
	if len(key) < 16 { // the shortest key that Laravel accepts
		return nil, errors.New("the key is shorter than 16 bytes: copy APP_KEY from the file .env of Laravel")
	}
	return key, nil
}
