package opaque_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/opaque"
)

func TestNew_HasPrefixAndChecksum(t *testing.T) {
	const prefix = "shop_pat_"
	token := opaque.New(prefix)
	if !strings.HasPrefix(token, prefix) || !opaque.Is(prefix, token) {
		t.Fatalf("New() = %d characters, but Is() does not accept them as a token of %s", len(token), prefix)
	}
	if other := opaque.New(prefix); other == token {
		t.Error("New() returned the same token twice")
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	if rest := strings.Trim(strings.TrimPrefix(token, prefix), alphabet); rest != "" {
		t.Errorf("New() has the characters %q, want A-Z and 2-7 only", rest)
	}
}

// Is refuses a mistyped, truncated or invented token without a database.
func TestIs_RefusesAnInvalidChecksum(t *testing.T) {
	const prefix = "shop_pat_"
	token := opaque.New(prefix)
	flipped := []byte(token)
	for i := len(prefix); i < len(token); i++ {
		old := flipped[i]
		flipped[i] = 'A' + (old-'A'+1)%26
		if flipped[i] != old && opaque.Is(prefix, string(flipped)) {
			t.Errorf("Is() accepts a token with another character at %d", i)
		}
		flipped[i] = old
	}
	for name, s := range map[string]string{
		"empty": "", "the prefix alone": prefix, "cut off": token[:len(token)-1], "longer": token + "A", "another prefix": "x" + token,
		"in lower case": strings.ToLower(token), "with a space": token + " ",
	} {
		if opaque.Is(prefix, s) {
			t.Errorf("Is() accepts a token that is %s", name)
		}
	}
	if opaque.Is("other_", token) {
		t.Error("Is() accepts a token of another prefix")
	}
}

func FuzzIs(f *testing.F) {
	f.Add("passport_pat_", opaque.New("passport_pat_"))
	f.Fuzz(func(t *testing.T, prefix, token string) {
		if opaque.Is(prefix, token) && (!strings.HasPrefix(token, prefix) || len(token) <= len(prefix)) {
			t.Errorf("Is(%q, %q) = true", prefix, token)
		}
	})
}

func TestHasForm_WithAnyPrefix(t *testing.T) {
	for _, prefix := range []string{"", "a", "shop_pat_"} {
		token := opaque.New(prefix)
		if !opaque.HasForm(token) {
			t.Errorf("HasForm() of a token with the prefix %q = false", prefix)
		}
		for _, other := range []string{token[1:], token + "A", token[:len(token)-1], strings.ToLower(token), ""} {
			if opaque.HasForm(other) {
				t.Errorf("HasForm() of a changed token with the prefix %q = true", prefix)
			}
		}
	}
}
