package passport

import (
	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/endpoint"
)

// How many failures are free at the endpoints that clients call, and how long it
// takes until as many are forgotten. Beyond that the server answers 429 for a while:
// for a second, and with each further failure twice as long, up to the time that it
// takes to forget one. Each node counts by itself.
const (
	// ClientFailures is for one client ID from one address.
	ClientFailures       = clients.Failures
	ClientFailuresWithin = clients.FailuresWithin

	// PasswordFailures is for one user name from one address.
	PasswordFailures       = endpoint.GuessFailures
	PasswordFailuresWithin = endpoint.GuessFailuresWithin

	// UserFailures is for one user name from all addresses together, except those
	// from which the password was right lately.
	UserFailures       = endpoint.NameFailures
	UserFailuresWithin = endpoint.NameFailuresWithin

	// AddressFailures is for all client IDs, or all user names, from one address, in
	// the time that one of them has.
	AddressFailures = clients.AddressFailures
)
