package sqlstore

import (
	"context"
	"fmt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// A client with several secrets has one row for each. Every row repeats the presented
// value.
const (
	selectClientWithCode = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `, ` + codeColumns + `, ` + familyColumns + `, ` + cutCodeAt + `
FROM oauth_auth_codes k JOIN oauth_families f ON f.id = k.family_id JOIN oauth_clients c ON c.id = f.client_id
LEFT JOIN oauth_client_secrets s ON s.client_id = c.id WHERE k.digest = ? ORDER BY s.created_at, s.digest`

	selectClientWithRefreshToken = `SELECT ` + wholeClientColumns + `, ` + secretColumns + `, ` + refreshTokenColumns + `, ` + familyColumns + `, ` + cutAt + `
FROM oauth_refresh_tokens r JOIN oauth_families f ON f.id = r.family_id JOIN oauth_clients c ON c.id = f.client_id
LEFT JOIN oauth_refresh_tokens n ON n.digest = r.successor
LEFT JOIN oauth_client_secrets s ON s.client_id = c.id WHERE r.digest = ? ORDER BY s.created_at, s.digest`
)

// presentable is the row of a code or refresh token that a client presents.
type presentable interface{ fields([]any) []any }

// Presenting implements [oauth.PresentedStore].
func (s *Store) Presenting() oauth.Store { return s }

// ClientWithCode implements [oauth.PresentedStore].
func (s *Store) ClientWithCode(ctx context.Context, clientID string, d oauth.Digest) (*oauth.Client, *oauth.Code, error) {
	var found codeRow
	client, err := s.presented(ctx, selectClientWithCode, clientID, d, &found)
	if err != nil {
		return nil, nil, err
	}
	return client, found.record(), nil
}

// ClientWithRefreshToken implements [oauth.PresentedStore].
func (s *Store) ClientWithRefreshToken(ctx context.Context, clientID string, d oauth.Digest) (*oauth.Client, *oauth.RefreshToken, error) {
	var found refreshTokenRow
	client, err := s.presented(ctx, selectClientWithRefreshToken, clientID, d, &found)
	if err != nil {
		return nil, nil, err
	}
	return client, found.record(), nil
}

// presented reads the value with a digest into found, and returns its client. If the
// value belongs to another client, it returns [oauth.ErrNotFound].
func (s *Store) presented(ctx context.Context, q, clientID string, d oauth.Digest, found presentable) (*oauth.Client, error) {
	if !storable(clientID, string(d)) {
		return nil, oauth.ErrNotFound
	}
	var clients clients
	err := s.db.Lookup(ctx, q, func(row sqldb.Row) error { return clients.scanWith(row, found) }, func() { clients = nil }, string(d))
	switch {
	case err != nil:
		return nil, err
	case len(clients) != 1:
		return nil, fmt.Errorf("read client: a code or refresh token has %d clients, want one", len(clients))
	case clients[0].ID != clientID:
		return nil, oauth.ErrNotFound
	}
	return clients[0], nil
}
