package account

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// composed returns the text in NFC. Keyboards enter the same text in several forms: "é"
// is one code point on some systems, and "e" with a combining accent on others.
// Passwords are hashed in NFC and addresses are compared in NFC (RFC 8265 §4.2.2,
// Unicode Annex #15).
func composed(s string) string { return norm.NFC.String(s) }

// composing is how many times shorter NFC can make a text: three Hangul letters
// become one syllable.
const composing = 3

// passwordForms returns the texts that a stored hash may come from: first the composed
// password, then the password as it was typed, for old or imported hashes. It returns
// one form if the two are equal.
func passwordForms(typed string) []string {
	if len(typed) > composing*MaxPasswordBytes {
		return []string{typed} // too long in any form
	}
	return slices.Compact([]string{composed(typed), typed})
}

// emailKeys returns the keys under which an account with this address may be stored.
// The current key comes first. Old keys were not composed.
//
// Tries are counted by the current key. A key that does not normalize to it, such as
// "i\u0307" for "\u0130", is replaced: its account would have one counter for each
// spelling.
func emailKeys(email string) [3]string {
	email = trimmed(email)
	today := emailKey(email)
	keys := [3]string{today, strings.ToLower(email), strings.ToLower(norm.NFD.String(email))}
	for i, key := range keys {
		if emailKey(key) != today {
			keys[i] = today
		}
	}
	return keys
}
