// Package jsonid writes IDs into JSON.
package jsonid

import "strconv"

// maxExact is the largest integer that a reader of JSON is sure to keep, for
// many read numbers as IEEE 754 doubles (RFC 8259 §6).
const maxExact = 1<<53 - 1

// Value is an ID as JSON shows it: a number only where that is wanted, and only if
// a reader who writes the number out gets the same ID.
func Value(id string, number bool) any {
	n, err := strconv.ParseInt(id, 10, 64)
	if !number || err != nil || n < 1 || n > maxExact || strconv.FormatInt(n, 10) != id {
		return id
	}
	return n
}
