// Package rooms holds what the endpoints of a server are built from. The facade fills
// it; a feature takes from it what it needs.
package rooms

import (
	"net/url"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/firstparty"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
)

// Rooms are the rooms of one server.
type Rooms struct {
	Issuer *url.URL
	Base   string // the path below which the endpoints are, with that of the issuer
	Log    wire.Log
	Parts  *feature.Joined

	Keys     *keyring.Live
	Policy   *policy.Policy
	Users    *users.Directory
	Forms    *sameorigin.Guard
	Pages    *page.Set
	Clients  *clients.Registry
	Tokens   *tokens.Service
	Personal *tokens.Personal
	Cookies  *firstparty.Cookies

	Reader *tokens.Reader // of the store, for grants
}
