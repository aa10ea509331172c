package account_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"email", account.CheckEmail("ada@example.com"), ""},
		{"no email", account.CheckEmail(""), "missing"},
		{"a word as email", account.CheckEmail("foo"), `"foo" is not an email address`},
		{"a long email", account.CheckEmail(strings.Repeat("x", 250) + "@example.com"), "too long"},
		{"name", account.CheckName("Ada"), ""},
		{"a long name", account.CheckName(strings.Repeat("x", 101)), "too long"},
		{"password", account.CheckPassword("correct-horse"), ""},
		{"a short password", account.CheckPassword("short"), "at least 8 characters"},
		{"a long password", account.CheckPassword(strings.Repeat("x", 1025)), "at most 1024 bytes"},
	} {
		if (test.err == nil) != (test.want == "") || test.err != nil && !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("the check of %s = %v, want %q", test.name, test.err, test.want)
		}
	}
}
