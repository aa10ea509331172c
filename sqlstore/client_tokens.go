package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

const (
	endClientTokens = `UPDATE oauth_clients SET tokens_not_before = ? WHERE id = ? AND (tokens_not_before IS NULL OR tokens_not_before < ?)`

	// A node whose clock is ahead may already have stored rows with a later time. An
	// earlier call on such a node may have ended some of them.
	endClientFamiliesAhead = `UPDATE oauth_families SET revoked_at = ? WHERE client_id = ? AND created_at > ? AND created_at <= ? AND revoked_at IS NULL
AND created_at > (SELECT c.tokens_not_before FROM oauth_clients c WHERE c.id = ?)`
	endClientTokensAhead = `UPDATE oauth_access_tokens SET revoked_at = ? WHERE client_id = ? AND issued_at > ? AND issued_at <= ? AND revoked_at IS NULL
AND issued_at > (SELECT c.tokens_not_before FROM oauth_clients c WHERE c.id = ?)`
)

// RevokeTokensOfClient implements [oauth.TokenStore]. It sets one column in the
// client's row. That ends all its codes and tokens, because every read of a code or
// token joins that row.
func (s *Store) RevokeTokensOfClient(ctx context.Context, clientID string, at time.Time, audit *oauth.AuditRecord) error {
	c := cutOff{at: sqldb.At(at)}
	return s.changeClient(ctx, clientID, nil, audit, func(ctx context.Context, tx *sqldb.Tx) (bool, error) {
		n, err := tx.Exec(ctx, endClientTokens, c.at, clientID, c.at)
		for _, q := range []string{endClientFamiliesAhead, endClientTokensAhead} {
			if err == nil {
				var ahead int64
				ahead, err = tx.Exec(ctx, q, c.at, clientID, c.at, c.until(), clientID)
				n += ahead
			}
		}
		return n > 0, err
	})
}

const selectTokensOfClient = `SELECT ` + tokenColumns + `, ` + familyColumns + `, ` + cutAt + `
FROM oauth_access_tokens t JOIN oauth_clients c ON c.id = t.client_id LEFT JOIN oauth_families f ON f.id = t.family_id
WHERE t.client_id = ? AND t.issued_at >= ? AND (t.issued_at > ? OR t.id > ?) AND (t.family_id IS NULL OR f.id IS NOT NULL)
ORDER BY t.issued_at, t.id LIMIT 100`

// TokensOfClient implements [oauth.TokenStore]. It reads the client once for each page,
// because a client may have many redirect URIs.
func (s *Store) TokensOfClient(ctx context.Context, clientID string) iter.Seq2[*oauth.AccessToken, error] {
	if !storable(clientID) {
		return none[*oauth.AccessToken]()
	}
	return pages(func(after *oauth.AccessToken) ([]*oauth.AccessToken, error) {
		client, err := s.Client(ctx, clientID)
		if errors.Is(err, oauth.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		client.Secrets = nil
		issued, id := firstTime, ""
		if after != nil {
			issued, id = sqldb.At(after.IssuedAt), after.ID
		}
		var page []*oauth.AccessToken
		err = s.db.Each(ctx, selectTokensOfClient, func(row sqldb.Row) error {
			t := &oauth.AccessToken{Client: client}
			page = append(page, t)
			return scanTokenOf(row, t)
		}, clientID, issued, issued, id)
		return page, err
	})
}

// firstTime is earlier than any token's time.
const firstTime int64 = -1 << 62

// scanTokenOf scans a row without the columns of its client.
func scanTokenOf(row sqldb.Row, t *oauth.AccessToken) error {
	var family familyRow
	if err := row.Scan(family.fields(tokenFields(make([]any, 0, mostFields), t))...); err != nil {
		return fmt.Errorf("read access token: %w", err)
	}
	t.Family = family.record()
	return nil
}
