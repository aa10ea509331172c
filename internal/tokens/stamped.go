package tokens

import (
	"context"
	"iter"
	"time"

	"github.com/go-passport/passport/oauth"
)

// Stamped returns the store for the server and its grants. It sets InheritScopes,
// which is not stored, in every access token that it returns. So no reader can forget
// to set it.
func Stamped(store oauth.Store, inherit bool) oauth.Store { return stampedStore{store, inherit} }

type stampedStore struct {
	oauth.Store
	inherit bool
}

// stamped returns the token with InheritScopes set. It changes a copy, because a
// store may return the same record to several readers.
func stamped(t *oauth.AccessToken, inherit bool) *oauth.AccessToken {
	if t == nil || t.InheritScopes == inherit {
		return t
	}
	token := *t
	token.InheritScopes = inherit
	return &token
}

// Unwrap gives access to the optional interfaces of the inner store; see
// [oauth.StoreAs].
func (s stampedStore) Unwrap() oauth.Store { return s.Store }

// AccessToken implements [oauth.TokenStore].
func (s stampedStore) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	t, err := s.Store.AccessToken(ctx, id)
	return stamped(t, s.inherit), err
}

// OpaqueToken implements [oauth.TokenStore].
func (s stampedStore) OpaqueToken(ctx context.Context, d oauth.Digest) (*oauth.AccessToken, error) {
	t, err := s.Store.OpaqueToken(ctx, d)
	return stamped(t, s.inherit), err
}

// TokensOf implements [oauth.TokenStore].
func (s stampedStore) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	return s.each(s.Store.TokensOf(ctx, user))
}

// TokensOfClient implements [oauth.TokenStore].
func (s stampedStore) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	return s.each(s.Store.TokensOfClient(ctx, clientID))
}

// each stamps the tokens of a list.
func (s stampedStore) each(list iter.Seq2[*oauth.AccessToken, error]) iter.Seq2[*oauth.AccessToken, error] {
	return func(yield func(*oauth.AccessToken, error) bool) {
		for t, err := range list {
			if !yield(stamped(t, s.inherit), err) {
				return
			}
		}
	}
}

// Connections implements [oauth.TokenStore].
func (s stampedStore) Connections(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	tokens, err := s.Store.Connections(ctx, user, at)
	return s.all(tokens), err
}

// PersonalTokens implements [oauth.TokenStore].
func (s stampedStore) PersonalTokens(ctx context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	tokens, err := s.Store.PersonalTokens(ctx, user)
	return s.all(tokens), err
}

func (s stampedStore) all(tokens []*oauth.AccessToken) []*oauth.AccessToken {
	all := make([]*oauth.AccessToken, 0, len(tokens))
	for _, t := range tokens {
		all = append(all, stamped(t, s.inherit))
	}
	return all
}
