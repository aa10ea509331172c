package account

import (
	"errors"
	"fmt"
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

// emailKey returns the normalized address. It is the key to find an account and to
// count sign-in attempts. All code that takes an address must use it: otherwise each
// spelling of an address would have a separate count.
func emailKey(email string) string {
	// Compose before: "İ" in two code points has a different lower case. Compose after:
	// a lower-case letter may compose where its upper case does not.
	return composed(strings.ToLower(composed(trimmed(email))))
}

// checkEmail returns an error if the text is not an address or could be mistaken for a
// different address. Only mail can tell whether the address exists.
func checkEmail(email string) error {
	email = trimmed(email)
	local, domain, ok := strings.Cut(email, "@")
	switch {
	case email == "":
		return errors.New("the email address is missing")
	case max(len(email), len(emailKey(email))) > maxEmail:
		return errors.New("the email address is too long: use at most 254 bytes")
	case !utf8.ValidString(email) || strings.ContainsFunc(email, unfitForEmail):
		return errors.New("the email address contains a space or an invisible character")
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return fmt.Errorf("%q is not an email address: write it like ada@example.com", email)
	}
	return nil
}

func isEmail(s string) bool { return checkEmail(s) == nil }

func unfitForEmail(r rune) bool { return unicode.IsSpace(r) || page.Unseen(r) }

// cleanName returns a name without invisible characters, as it is stored.
func cleanName(name string) string { return page.Text(name, len(name)) }

func checkName(name string) error {
	if utf8.RuneCountInString(cleanName(name)) > maxName {
		return errors.New("the name is too long: use at most 100 characters")
	}
	return nil
}
