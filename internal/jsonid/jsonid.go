// Package jsonid writes IDs into JSON.
package jsonid

import "strconv"

// maxExact is the largest integer that every JSON reader keeps. Many read numbers as
// IEEE 754 doubles (RFC 8259 §6).
const maxExact = 1<<53 - 1

// Value returns an ID for JSON. It is a number only if number is true and the number
// converts back to the same ID.
func Value(id string, number bool) any {
	n, err := strconv.ParseInt(id, 10, 64)
	if !number || err != nil || n < 1 || n > maxExact || strconv.FormatInt(n, 10) != id {
		return id
	}
	return n
}
