package passporttest

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/go-passport/passport/oauth"
)

// store is the store of a test's server. It can expire access tokens, and returns
// the record that a test's request has stored.
type store struct {
	oauth.Store

	mu      sync.Mutex
	expired map[string]time.Time // when access tokens ended, by ID
}

// Unwrap implements the wrapping of [oauth.Store].
func (s *store) Unwrap() oauth.Store { return s.Store }

// expire ends an access token now.
func (s *store) expire(ctx context.Context, id string) error {
	if _, err := s.Store.AccessToken(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expired == nil {
		s.expired = map[string]time.Time{}
	}
	s.expired[id] = now()
	return nil
}

// age returns a record with the end that expire has set.
func (s *store) age(t *oauth.AccessToken) *oauth.AccessToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.expired[t.ID]
	if !ok || !at.Before(t.ExpiresAt) {
		return t
	}
	aged := *t
	aged.ExpiresAt = at
	return &aged
}

// AccessToken implements [oauth.TokenStore].
func (s *store) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	t, err := s.Store.AccessToken(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.age(t), nil
}

// OpaqueToken implements [oauth.TokenStore].
func (s *store) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	t, err := s.Store.OpaqueToken(ctx, d)
	if err != nil {
		return nil, err
	}
	return s.age(t), nil
}

// TokensOf implements [oauth.TokenStore].
func (s *store) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.ageAll(s.Store.TokensOf(ctx, user))
}

// TokensOfClient implements [oauth.TokenStore].
func (s *store) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	return s.ageAll(s.Store.TokensOfClient(ctx, clientID))
}

func (s *store) ageAll(list iter.Seq2[*oauth.AccessToken, error]) iter.Seq2[*oauth.AccessToken, error] {
	return func(yield func(*oauth.AccessToken, error) bool) {
		for t, err := range list {
			if err == nil {
				t = s.age(t)
			}
			if !yield(t, err) {
				return
			}
		}
	}
}

// Connections implements [oauth.TokenStore].
func (s *store) Connections(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	tokens, err := s.Store.Connections(ctx, user, at)
	return s.agedTokens(tokens), err
}

// PersonalTokens implements [oauth.TokenStore].
func (s *store) PersonalTokens(ctx context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	tokens, err := s.Store.PersonalTokens(ctx, user)
	return s.agedTokens(tokens), err
}

func (s *store) agedTokens(tokens []*oauth.AccessToken) []*oauth.AccessToken {
	all := make([]*oauth.AccessToken, 0, len(tokens))
	for _, t := range tokens {
		all = append(all, s.age(t))
	}
	return all
}

// Issue implements [oauth.TokenStore].
func (s *store) Issue(ctx context.Context, i *oauth.Issuance) error {
	err := s.Store.Issue(ctx, i)
	if record, ok := ctx.Value(issuedKey{}).(*oauth.AccessToken); ok && err == nil {
		*record = *i.AccessToken
	}
	return err
}

// issuedKey is the context key for the record to fill in.
type issuedKey struct{}
