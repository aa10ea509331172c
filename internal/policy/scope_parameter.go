// Package scope reads and writes the scope parameter (RFC 6749 §3.3).
package scope

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// The most that a scope parameter may hold. Servers have tens of scopes; a
// request for thousands is no honest one, and a token carries them all.
const (
	MaxBytes  = 4096
	MaxTokens = 256
)

// Parse returns the scope-tokens of a scope parameter in the order in which they
// came, each once, or nil when there are none. What is not one (RFC 6749 §3.3)
// is an invalid_scope error that does not repeat it. Spaces beyond the one that
// separates two tokens are forgiven.
func Parse(param string) ([]string, error) {
	if len(param) > MaxBytes {
		return nil, oauth.InvalidScope.Errorf("the scope parameter is longer than %d bytes", MaxBytes)
	}
	var tokens []string
	for token := range strings.SplitSeq(param, " ") {
		switch {
		case token == "" || slices.Contains(tokens, token):
			continue
		case !Valid(token):
			return nil, oauth.InvalidScope.Errorf("the scope parameter has a character that no scope may have")
		case len(tokens) == MaxTokens:
			return nil, oauth.InvalidScope.Errorf("the scope parameter names more than %d scopes", MaxTokens)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// Valid reports whether token is a scope-token: one or more characters of
// printable ASCII save space, quote and backslash (RFC 6749 §3.3).
func Valid(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return token != ""
}

// Join returns the scope parameter that holds the tokens.
func Join(tokens []string) string { return strings.Join(tokens, " ") }

// Subset reports whether every token of a is one of b.
func Subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(token string) bool { return !slices.Contains(b, token) })
}
