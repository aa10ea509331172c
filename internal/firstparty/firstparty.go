// Package firstparty implements the cookie with which scripts on the application's
// own pages use its API.
package firstparty

import (
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/sameorigin"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
)

// Config holds the settings of [Cookies]. All fields are required.
type Config struct {
	Issuer string
	Name   string
	TTL    time.Duration
	Keys   *keyring.Live
	Policy *policy.Policy
	Users  *users.Directory
	Forms  *sameorigin.Guard
	Log    wire.Log
}

// Cookies sets, refreshes and verifies the cookie. It is safe for concurrent use.
type Cookies struct {
	names     cookie.Names
	name      string
	byDefault bool // no Config.CookieName sets the name
	ttl       time.Duration
	keys      *keyring.Live
	policy    *policy.Policy
	users     *users.Directory
	forms     *sameorigin.Guard
	log       wire.Log
}

// New returns Cookies.
func New(c Config) *Cookies {
	return &Cookies{cookie.Of(c.Issuer), c.Name, c.Name == DefaultName(c.Issuer), c.TTL, c.Keys, c.Policy, c.Users, c.Forms, c.Log}
}
