package laravelimport

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
)

// ErrNoAppKey is the error of [Env.Keys] without a key.
var ErrNoAppKey = errors.New("APP_KEY is missing or empty, and without it no refresh token works: if Laravel has it in the environment of its server, give it with --app-key")

// Keys returns the keys in APP_KEY and APP_PREVIOUS_KEYS, the current one first.
func (e Env) Keys() (keys []AppKey, err error) {
	for _, name := range []string{"APP_KEY", "APP_PREVIOUS_KEYS"} {
		list, err := e.get(name)
		if err != nil {
			return nil, err
		}
		for text := range strings.SplitSeq(list, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			key, err := ParseAppKey(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// PublicKey returns the key that signs access tokens: that of PASSPORT_PUBLIC_KEY or
// PASSPORT_PRIVATE_KEY. It is nil if both are missing.
func (e Env) PublicKey() (key *rsa.PublicKey, err error) {
	for _, name := range []string{"PASSPORT_PUBLIC_KEY", "PASSPORT_PRIVATE_KEY"} {
		text, err := e.get(name)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		found, err := ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if key != nil && !key.Equal(found) {
			return nil, errors.New("PASSPORT_PUBLIC_KEY and PASSPORT_PRIVATE_KEY are not a pair: copy both from the same server")
		}
		key = found
	}
	return key, nil
}

// TimeZone returns the name in APP_TIMEZONE, or "".
func (e Env) TimeZone() (string, error) { return e.get("APP_TIMEZONE") }
