package grant

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// verifyPKCE compares code_verifier with the challenge of the authorization
// request (RFC 7636 §4.6). It verifies every stored challenge, for every
// client. It refuses a verifier without a stored challenge, because an attacker
// may have removed the challenge from the authorization request (RFC 9700
// §2.1.1).
func verifyPKCE(challenge, verifier string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return oauth.InvalidRequest.Errorf("code_verifier was sent, but the authorization request had no code_challenge")
	case verifier == "":
		return oauth.InvalidGrant.Errorf("code_verifier is required: the authorization request had a code_challenge")
	case !isVerifier(verifier):
		return oauth.InvalidGrant.Errorf("code_verifier must be 43 to 128 letters, digits and -._~")
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) != 1 {
		return oauth.InvalidGrant.Errorf("code_verifier does not match the code_challenge")
	}
	return nil
}

// isVerifier reports whether s has the form of a code_verifier (RFC 7636 §4.1).
func isVerifier(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	}) < 0
}
