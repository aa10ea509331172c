package passport

import "strconv"

// clientIDJSON is a client's ID as JSON shows it: a number where new clients are
// called by numbers, for front ends that were written for such an API.
func (s *Server) clientIDJSON(id string) any { return jsonID(id, s.config.ClientIDs == Integers) }

// userIDJSON is an account's ID as JSON shows it: a number if the application
// says that its accounts have such.
func (s *Server) userIDJSON(ref UserRef) any { return jsonID(ref.ID, s.config.NumericUserIDs) }

// maxExact is the largest integer that a reader of JSON is sure to keep, for
// many read numbers as IEEE 754 doubles (RFC 8259 §6).
const maxExact = 1<<53 - 1

// jsonID is an ID as JSON shows it: as a number only where that is wanted, and
// only if whoever writes the number out has the ID again, byte by byte.
func jsonID(id string, number bool) any {
	n, err := strconv.ParseInt(id, 10, 64)
	if !number || err != nil || n < 1 || n > maxExact || strconv.FormatInt(n, 10) != id {
		return id
	}
	return n
}
