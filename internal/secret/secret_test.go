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
			t.Fatalf("New() returned %d characters, want 43 or more", len(s))
		}
		if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Fatal("New() returned a character that is not A-Z or 2-7")
		}
		if seen[s] {
			t.Fatal("New() returned the same secret twice")
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
