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
		t.Fatalf("New() = %d characters that are not recognised as a token of %s", len(token), prefix)
	}
	if other := opaque.New(prefix); other == token {
		t.Error("two tokens are the same")
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	if rest := strings.Trim(strings.TrimPrefix(token, prefix), alphabet); rest != "" {
		t.Errorf("a token has the characters %q, which a double click or a shell may not take along", rest)
	}
}

// What is mistyped, cut off or put together is told from a token without a
// database.
func TestIs_RefusesWhatOnlyLooksLikeOne(t *testing.T) {
	const prefix = "shop_pat_"
	token := opaque.New(prefix)
	flipped := []byte(token)
	for i := len(prefix); i < len(token); i++ {
		old := flipped[i]
		flipped[i] = 'A' + (old-'A'+1)%26
		if flipped[i] != old && opaque.Is(prefix, string(flipped)) {
			t.Errorf("a token with another character at %d is taken for one", i)
		}
		flipped[i] = old
	}
	for name, s := range map[string]string{
		"empty": "", "the prefix alone": prefix, "cut off": token[:len(token)-1], "longer": token + "A", "another prefix": "x" + token,
		"in small letters": strings.ToLower(token), "with a space": token + " ",
	} {
		if opaque.Is(prefix, s) {
			t.Errorf("%s is taken for a token", name)
		}
	}
	if opaque.Is("other_", token) {
		t.Error("a token of one prefix is taken for one of another")
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
