package passport

import (
	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/endpoint"
)

// Failures within these limits have no consequence at the endpoints that clients
// call. Beyond them the server responds with 429: for one second, and for twice as
// long after each further failure, up to the time after which one failure is
// forgotten. Each node counts separately.
const (
	// ClientFailures is the limit for one client ID from one address.
	ClientFailures       = clients.Failures
	ClientFailuresWithin = clients.FailuresWithin

	// PasswordFailures is the limit for one user name from one address.
	PasswordFailures       = endpoint.GuessFailures
	PasswordFailuresWithin = endpoint.GuessFailuresWithin

	// UserFailures is the limit for one user name from all addresses together,
	// except addresses from which the password was right recently.
	UserFailures       = endpoint.NameFailures
	UserFailuresWithin = endpoint.NameFailuresWithin

	// AddressFailures is the limit for all client IDs, or all user names, from one
	// address, in the time of a single one.
	AddressFailures = clients.AddressFailures
)
