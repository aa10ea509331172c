package tokens

import (
	"context"
	"errors"

	"github.com/go-passport/passport/oauth"
)

// Permit is the permission to issue codes and tokens to a client. [Service.Permit] is its
// only source, and everything that issues needs it, so no endpoint can forget to ask.
type Permit struct{ client *oauth.Client }

// Permit returns the permission to issue to a client. Its error is
// [oauth.TemporarilyUnavailable] while another server alone issues to the client. Call it
// before work for the request: before a user is asked and before a value is looked up.
func (s *Service) Permit(ctx context.Context, c *oauth.Client) (Permit, error) {
	if err := s.MayDecide(ctx, c); err != nil {
		return Permit{}, err
	}
	return Permit{c}, nil
}

// MayDecide returns an error while another server alone issues and revokes the tokens of a
// client.
func (s *Service) MayDecide(ctx context.Context, c *oauth.Client) error {
	if s.foreign == nil {
		return nil
	}
	return s.foreign.MayDecide(ctx, c.ID)
}

// errNoPermit is the error of a request without a permit for its client.
var errNoPermit = errors.New("the permit of the client is missing: call Service.Permit first")
