package account

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// composed is the one form of a text that keyboards enter in several: "é" is one
// character on some systems, and "e" with an accent on others. Passwords are hashed
// in it, and addresses are compared in it (RFC 8265 §4.2.2, Unicode Annex #15, NFC).
func composed(s string) string { return norm.NFC.String(s) }

// composing is by how much a text gets shorter at most when it is composed: three
// letters of Hangul become a syllable.
const composing = 3

// passwordForms are the texts that a stored hash may be of: the composed password,
// and second what was typed, for hashes from before or from elsewhere. There is one
// form alone if the two are equal.
func passwordForms(typed string) []string {
	if len(typed) > composing*MaxPasswordBytes {
		return []string{typed} // too long in any form
	}
	return slices.Compact([]string{composed(typed), typed})
}

// emailKeys are the keys under which an account with this address may be stored, the
// one of today first. Keys from before were not composed.
//
// Tries are counted by the key of today, so each key here has that of the address. A
// key of another one, such as "i\u0307" for "\u0130", is replaced: its account would have
// a counter for each spelling.
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
