package policy

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// The most that a scope parameter may hold. Servers have tens of scopes, no honest
// request names thousands, and a token carries all of them.
const (
	MaxScopeBytes  = 4096
	MaxScopeTokens = 256
)

// ParseScopes returns the scope tokens of a scope parameter in their order, each
// once, or nil when there are none. A text that is no scope token
// (RFC 6749 §3.3) is an invalid_scope error that does not repeat it. More than one
// space between two tokens is accepted.
func ParseScopes(param string) ([]string, error) {
	if len(param) > MaxScopeBytes {
		return nil, oauth.InvalidScope.Errorf("the scope parameter is longer than %d bytes", MaxScopeBytes)
	}
	var tokens []string
	for token := range strings.SplitSeq(param, " ") {
		switch {
		case token == "" || slices.Contains(tokens, token):
			continue
		case !ValidScope(token):
			return nil, oauth.InvalidScope.Errorf("the scope parameter has a character that no scope may have")
		case len(tokens) == MaxScopeTokens:
			return nil, oauth.InvalidScope.Errorf("the scope parameter names more than %d scopes", MaxScopeTokens)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// ValidScope reports whether token is a scope-token: one or more characters of
// printable ASCII save space, quote and backslash (RFC 6749 §3.3).
func ValidScope(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return token != ""
}
