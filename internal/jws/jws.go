// Package jws signs and verifies the server's own compact tokens (RFC 7515).
//
// The algorithm belongs to the key; a token's header never chooses it. Nor does
// it ever name the key by anything but its ID: keys come from the caller alone.
package jws

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxBytes is the longest token that is verified. Longer ones are refused before
// anything looks into them.
const MaxBytes = 16 << 10

// AccessToken is the typ of an access token (RFC 9068 §2.1).
const AccessToken = "at+jwt"

// ErrUnknownKey is returned for a token whose kid is that of no key here.
var ErrUnknownKey = errors.New("jws: no key has the ID that the token names")

// Sign returns the compact form of claims, anything that encodes as a JSON
// object, with typ, a constant, in its header.
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

// Verify returns the payload of a token that the key signed with the given typ
// in its header, written with or without "application/" and in any case (RFC
// 7515 §4.1.9). What it says is for the caller to check.
func (k *Key) Verify(typ, token string) ([]byte, error) {
	_, payload, err := Verify([]*Key{k}, typ, token)
	return payload, err
}

// Verify is like [Key.Verify] for a token that one of several keys signed, and
// returns which.
func Verify(keys []*Key, typ, token string) (*Key, []byte, error) {
	if len(token) > MaxBytes {
		return nil, nil, fmt.Errorf("jws: the token is longer than %d bytes", MaxBytes)
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, nil, errors.New("jws: the token has not three parts")
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

// keyFor returns the key that a header names. A header as [Key.Sign] writes it
// is recognised as a whole; any other is read.
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

// decode reads base64url as RFC 7515 §2 has it. Go's decoder skips line ends in
// every mode, which would give one token many spellings.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, base64.CorruptInputError(strings.IndexAny(text, "\r\n"))
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
