package policy

import (
	"slices"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// The maximum size of a scope parameter. Servers have tens of scopes, and a token
// carries every scope of a request.
const (
	MaxScopeBytes  = 4096
	MaxScopeTokens = 256
)

// ParseScopes returns the scope tokens of a scope parameter in their order, without
// duplicates, or nil if there are none. An invalid scope token (RFC 6749 §3.3) is an
// invalid_scope error that does not repeat it. ParseScopes accepts more than one
// space between two tokens.
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
// printable ASCII except space, quote and backslash (RFC 6749 §3.3).
func ValidScope(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return token != ""
}
