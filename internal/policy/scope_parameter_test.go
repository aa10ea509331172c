package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/oauth"
)

func TestParseScopes(t *testing.T) {
	for _, tt := range []struct {
		param string
		want  []string
	}{
		{"", nil},
		{" ", nil},
		{"orders", []string{"orders"}},
		{"b a c", []string{"b", "a", "c"}}, // keeps the order
		{"a b a", []string{"a", "b"}},
		{"a A", []string{"a", "A"}}, // case-sensitive (RFC 6749 §3.3)
		{"  a   b ", []string{"a", "b"}},
		{"https://api.example.com/read place-orders *", []string{"https://api.example.com/read", "place-orders", "*"}},
		{"!#[]~", []string{"!#[]~"}}, // the edges of the character ranges
	} {
		got, err := policy.ParseScopes(tt.param)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("Parse(%q) = %q, %v, want %q", tt.param, got, err, tt.want)
		}
	}
}

// scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3)
func TestParseScopes_Characters(t *testing.T) {
	for c := range 256 {
		token := "a" + string([]byte{byte(c)}) + "b"
		allowed := c == 0x21 || c >= 0x23 && c <= 0x5b || c >= 0x5d && c <= 0x7e
		if policy.ValidScope(token) != allowed {
			t.Errorf("Valid(%q) = %v, want %v", token, !allowed, allowed)
		}
		_, err := policy.ParseScopes(token)
		if (err == nil) != (allowed || c == ' ') {
			t.Errorf("Parse(%q) = %v", token, err)
		}
		if err != nil && !errors.Is(err, oauth.InvalidScope) {
			t.Errorf("Parse(%q) = %v, want invalid_scope", token, err)
		}
	}
	for _, param := range []string{"a\tb", "a\r\nb", "é", "a\x00", "\xff", "a\u00a0b", "<script>\""} {
		_, err := policy.ParseScopes(param)
		if !errors.Is(err, oauth.InvalidScope) {
			t.Errorf("Parse(%q) = %v, want invalid_scope", param, err)
		}
		if err != nil && strings.Contains(err.Error(), "script") {
			t.Errorf("the error repeats the parameter: %v", err)
		}
	}
	if policy.ValidScope("") {
		t.Error("an empty scope-token is valid")
	}
}

func TestParseScopes_Size(t *testing.T) {
	var many []string
	for i := range policy.MaxScopeTokens {
		many = append(many, fmt.Sprint("s", i))
	}
	if got, err := policy.ParseScopes(strings.Join(many, " ")); err != nil || len(got) != policy.MaxScopeTokens {
		t.Errorf("Parse of %d scopes = %d, %v", policy.MaxScopeTokens, len(got), err)
	}
	for name, param := range map[string]string{
		"too many":        strings.Join(append(many, "more"), " "),
		"too long":        strings.Repeat("a", policy.MaxScopeBytes+1),
		"1 MB of spaces":  strings.Repeat(" ", 1<<20),
		"1 MB of letters": strings.Repeat("a ", 1<<19),
	} {
		if _, err := policy.ParseScopes(param); !errors.Is(err, oauth.InvalidScope) {
			t.Errorf("%s: Parse = %v, want invalid_scope", name, err)
		}
	}
}

// FuzzParseScopes checks that the result has exactly the tokens of the parameter,
// and only valid ones.
func FuzzParseScopes(f *testing.F) {
	for _, seed := range []string{"", "a b", "a  a", "\x00", "a\"b", `a\b`, "é", strings.Repeat("x ", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, param string) {
		tokens, err := policy.ParseScopes(param)
		if err != nil {
			if tokens != nil || !errors.Is(err, oauth.InvalidScope) {
				t.Fatalf("Parse(%q) = %q, %v", param, tokens, err)
			}
			return
		}
		sent := strings.Split(param, " ")
		for i, token := range tokens {
			if !policy.ValidScope(token) || slices.Index(tokens, token) != i || !slices.Contains(sent, token) {
				t.Fatalf("Parse(%q) = %q", param, tokens)
			}
		}
		for _, token := range sent {
			if token != "" && !slices.Contains(tokens, token) {
				t.Fatalf("Parse(%q) = %q lacks %q", param, tokens, token)
			}
		}
		again, err := policy.ParseScopes(strings.Join(tokens, " "))
		if err != nil || !slices.Equal(again, tokens) {
			t.Fatalf("Parse(Join(%q)) = %q, %v", tokens, again, err)
		}
	})
}
