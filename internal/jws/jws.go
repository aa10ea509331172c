// Package jws signs and verifies the server's own compact tokens (RFC 7515).
//
// The key determines the algorithm; a token's header never does. A header names
// its key by ID alone: keys come only from the caller.
package jws

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxBytes is the length of the longest token that Verify accepts. It refuses
// longer ones before it decodes anything.
const MaxBytes = 16 << 10

// AccessToken is the typ of an access token (RFC 9068 §2.1).
const AccessToken = "at+jwt"

// ErrUnknownKey is the error for a token whose kid matches none of the keys.
var ErrUnknownKey = errors.New("jws: no key has the ID that the token names")

// Sign returns claims as a compact token with typ in its header. The claims
// must encode as a JSON object, and typ must be a constant.
func (k *Key) Sign(typ string, claims any) (string, error) {
	if k.sign == nil {
		return "", errors.New("jws: the key only verifies")
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	token := make([]byte, 0, 1024)
	token = append(append(token, k.headerFor(typ)...), '.')
	token = base64.RawURLEncoding.AppendEncode(token, payload)
	signature, err := k.sign(token)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(token, '.'), signature)), nil
}

// Verify returns the payload of a token that the key signed. The header must
// have the given typ, with or without "application/" and in any case (RFC 7515
// §4.1.9). Verify does not check the claims.
func (k *Key) Verify(typ, token string) ([]byte, error) {
	_, payload, err := Verify([]*Key{k}, typ, token)
	return payload, err
}

// Verify is like [Key.Verify] for several keys. It also returns the key that
// signed the token, or [ErrUnknownKey].
func Verify(keys []*Key, typ, token string) (*Key, []byte, error) {
	if len(token) > MaxBytes {
		return nil, nil, fmt.Errorf("jws: the token is longer than %d bytes", MaxBytes)
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, nil, errors.New("jws: the token does not have three parts")
	}
	key, err := keyFor(keys, typ, header)
	if err != nil {
		return nil, nil, err
	}
	raw, err := decode(signature)
	if err != nil || !key.scheme.verify(key.public, []byte(token[:len(header)+1+len(payload)]), raw) {
		return nil, nil, errors.New("jws: the signature does not verify")
	}
	claims, err := decode(payload)
	if err != nil {
		return nil, nil, errors.New("jws: the payload is not base64url")
	}
	return key, claims, nil
}

// keyFor returns the key that a header names. A header exactly as [Key.Sign]
// writes it needs no parsing.
func keyFor(keys []*Key, typ, encoded string) (*Key, error) {
	for _, k := range keys {
		if encoded == k.headerFor(typ) {
			return k, nil
		}
	}
	raw, err := decode(encoded)
	if err != nil {
		return nil, errors.New("jws: the header is not base64url")
	}
	h, err := readHeader(raw)
	if err != nil {
		return nil, err
	}
	return h.choose(keys, typ)
}

// decode decodes base64url (RFC 7515 §2). Go's decoder skips line ends in every
// mode, so that one token would have many spellings.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, base64.CorruptInputError(strings.IndexAny(text, "\r\n"))
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
