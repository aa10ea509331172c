package account

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/page"
)

const (
	maxEmail = 254 // bytes (RFC 5321 §4.5.3.1.3, less the brackets)
	maxName  = 100 // characters
)

func trimmed(s string) string { return strings.TrimSpace(s) }

// emailKey is the one spelling of an address by which accounts are found and
// tries to sign in are counted. Everything that takes an address goes through
// it, or tries would be counted once for each spelling.
func emailKey(email string) string {
	// Composed before, because "İ" in two parts has another small letter, and after,
	// because a small letter may compose where its capital does not.
	return composed(strings.ToLower(composed(trimmed(email))))
}

// checkEmail says what is wrong with an address. Whether mail arrives there only
// mail can tell, so this refuses what is none and what could be mistaken for
// another address.
func checkEmail(email string) error {
	email = trimmed(email)
	local, domain, ok := strings.Cut(email, "@")
	switch {
	case email == "":
		return errors.New("the e-mail address is missing")
	case max(len(email), len(emailKey(email))) > maxEmail:
		return errors.New("the e-mail address is too long")
	case !utf8.ValidString(email) || strings.ContainsFunc(email, unfitForEmail):
		return errors.New("the e-mail address has a blank or a character that cannot be seen")
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return errors.New("the e-mail address is none: write it like ada@example.com")
	}
	return nil
}

func isEmail(s string) bool { return checkEmail(s) == nil }

func unfitForEmail(r rune) bool { return unicode.IsSpace(r) || page.Unseen(r) }

// cleanName is a name as it is stored: without what cannot be seen.
func cleanName(name string) string { return page.Text(name, len(name)) }

func checkName(name string) error {
	if utf8.RuneCountInString(cleanName(name)) > maxName {
		return errors.New("the name is too long: use at most 100 characters")
	}
	return nil
}
