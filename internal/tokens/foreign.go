package tokens

import (
	"context"
	"errors"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// foreignToken returns the record of an access token of another server. It is for the
// API of this server.
func (s *Service) foreignToken(ctx context.Context, bearer string, at time.Time) (*oauth.AccessToken, error) {
	t, err := s.foreign.AccessToken(ctx, bearer, at)
	if err != nil {
		return nil, err
	}
	t.Audience, t.InheritScopes = s.policy.Audiences(nil), s.policy.InheritScopes
	return t, nil
}

func (s *Service) isForeign(bearer string) bool {
	return s.foreign != nil && s.foreign.IsAccessToken(bearer)
}

// Foreign returns the code or refresh token of another server that a client presents. It
// returns nil for a value that isn't one.
func (s *Service) Foreign(ctx context.Context, c *oauth.Client, purpose oauth.Purpose, value string, at time.Time) (feature.Opened, error) {
	if s.foreign == nil || !s.foreign.IsPresented(value) {
		return nil, nil
	}
	p := &feature.Presented{Client: c, Purpose: purpose, Value: value, Time: at, FamilyLife: s.policy.FamilyLife(c, policy.RunsInBrowser(c))}
	p.MayTry = func() error {
		if refused := s.mayOpen(ctx, c.ID); refused != nil {
			return throttle.Error(oauth.InvalidGrant, refused)
		}
		return nil
	}
	if err := p.MayTry(); err != nil {
		return nil, err
	}
	opened, err := s.foreign.Open(ctx, p)
	if errors.Is(err, feature.ErrNotOpened) {
		s.notOpened(ctx, c.ID)
	}
	return opened, err
}

// findForeign is Find for a refresh token of another server.
func (s *Service) findForeign(ctx context.Context, c *oauth.Client, token string, at time.Time) (*Found, error) {
	opened, err := s.Foreign(ctx, c, oauth.SpendRefreshToken, token, at)
	if err == nil && opened != nil {
		var refresh *oauth.RefreshToken
		if refresh, err = opened.RefreshToken(ctx); err == nil {
			return &Found{Refresh: refresh, Foreign: true}, nil
		}
	}
	if err == nil || errors.Is(err, oauth.ErrNotFound) || errors.Is(err, oauth.InvalidGrant) {
		return &Found{}, nil
	}
	return nil, err
}
