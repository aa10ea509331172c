package secret_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/secret"
)

func TestNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := secret.New()
		if len(s) < 43 { // 256 bits in base64url
			t.Fatalf("a secret has %d characters, want 43 or more", len(s))
		}
		if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Fatal("a secret needs escaping somewhere")
		}
		if seen[s] {
			t.Fatal("a secret came twice")
		}
		seen[s] = true
	}
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"a", "aa", false}, {"Abc", "abc", false},
	} {
		if got := secret.Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("Equal(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
