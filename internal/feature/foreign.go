package feature

import (
	"context"
	"errors"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Foreign accepts what another server has issued. Its values differ in their form from
// those of this server, so that neither server's values are taken for the other's.
type Foreign interface {
	// MayDecide returns an error while the other server alone issues and revokes the tokens
	// of a client, and nil otherwise. A client that it admits stays admitted, so a caller may
	// act on the result later. It makes few queries, and none once it is known that the other
	// server has stopped.
	MayDecide(ctx context.Context, clientID string) error

	// IsAccessToken reports whether a bearer token has the form of a foreign access
	// token. Then only AccessToken decides about it.
	IsAccessToken(bearer string) bool

	// AccessToken verifies a foreign access token and returns its record, which may have
	// ended. The Audience of the record is nil: it is for the API of this server. For a
	// token that is not valid, the error is [oauth.InvalidToken].
	AccessToken(ctx context.Context, bearer string, at time.Time) (*oauth.AccessToken, error)

	// IsPresented reports whether a value has the form of a foreign code or refresh
	// token.
	IsPresented(value string) bool

	// Open opens a foreign code or refresh token for an authenticated client. This may
	// take much work. The error has [ErrNotOpened] in its chain for a value that the other
	// server did not make.
	Open(ctx context.Context, p *Presented) (Opened, error)

	// Secret reports whether a secret is one of the foreign secrets of a client, and
	// replaces that one by a digest. This may take much work: Secret asks may just before,
	// and returns its error.
	Secret(ctx context.Context, c *oauth.Client, secret string, at time.Time, may func() error) (bool, error)

	// HasSecret reports whether a client has a foreign secret with which secret must be
	// compared.
	HasSecret(c *oauth.Client, secret string) bool
}

// ErrNotOpened is in the chain of the error for a value that the other server did not
// make. It counts like a wrong secret.
var ErrNotOpened = errors.New("the value was not made by the other server")

// Presented is a foreign code or refresh token that a client presents.
type Presented struct {
	Client     *oauth.Client
	Purpose    oauth.Purpose // [oauth.SpendCode] or [oauth.SpendRefreshToken]
	Value      string
	Time       time.Time
	FamilyLife time.Duration // of a family that begins now

	// MayTry returns an error if the client may not try a value now, after too many wrong
	// ones. Open asks it just before work that takes long.
	MayTry func() error
}

// Opened is a foreign code or refresh token after it was opened. A method reads the
// record as it is now.
type Opened interface {
	Code(ctx context.Context) (*oauth.Code, error)
	RefreshToken(ctx context.Context) (*oauth.RefreshToken, error)
}
