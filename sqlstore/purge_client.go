package sqlstore

import (
	"context"
	"errors"
	"strconv"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Families and tokens that ended with their client, or with all of the client's tokens.
// Each query finds the clients by an index, and then the records of each client.
var (
	familiesWithClient = []familySweep{
		{old: `SELECT f.id FROM oauth_clients c JOIN oauth_families f ON f.client_id = c.id WHERE c.revoked_at <= ? LIMIT 100`},
		{old: `SELECT f.id FROM oauth_clients c JOIN oauth_families f ON f.client_id = c.id AND f.created_at <= c.tokens_not_before
WHERE c.tokens_not_before <= ? LIMIT 100`},
	}
	tokensWithClient = []sweep{
		{
			find: `SELECT t.id FROM oauth_clients c JOIN oauth_access_tokens t ON t.client_id = c.id WHERE c.revoked_at <= ? LIMIT 100`,
			drop: dropAccessTokens + page,
		},
		{
			find: `SELECT t.id FROM oauth_clients c JOIN oauth_access_tokens t ON t.client_id = c.id AND t.issued_at <= c.tokens_not_before
LEFT JOIN oauth_families f ON f.id = t.family_id WHERE c.tokens_not_before <= ? AND (f.client_id IS NULL OR f.client_id <> c.id) LIMIT 100`,
			drop: dropAccessTokens + page,
		},
	}
)

// withClients deletes the families and tokens that ended with their client, once no
// running request can add to them. Their own rows don't show that they have ended.
func (p *purge) withClients(ctx context.Context) error {
	for _, s := range familiesWithClient {
		if err := p.families(ctx, s, p.revoked); err != nil {
			return err
		}
	}
	for _, s := range tokensWithClient {
		if err := p.sweep(ctx, s, late(p.revoked)); err != nil {
			return err
		}
	}
	return nil
}

// selectEmptyClients finds revoked clients of users that have no family and no token
// left. The server never assigns their IDs again: they are UUIDs, or numbers up to the
// last one assigned. Numbers of equal length sort like text.
const selectEmptyClients = `SELECT c.id FROM oauth_clients c WHERE c.revoked_at <= ? AND c.client_key IS NULL AND c.owner_provider <> ''
AND (c.id LIKE '%-%' OR LENGTH(c.id) < ? OR (LENGTH(c.id) = ? AND c.id <= ?))
AND NOT EXISTS (SELECT 1 FROM oauth_families f WHERE f.client_id = c.id)
AND NOT EXISTS (SELECT 1 FROM oauth_access_tokens t WHERE t.client_id = c.id) ORDER BY c.revoked_at LIMIT 100`

var (
	selectConsentsOfClients = `SELECT n.provider, n.user_id, n.client_id FROM oauth_consents n WHERE n.client_id IN ` + page + ` LIMIT 100`
	dropSecrets             = `DELETE FROM oauth_client_secrets WHERE client_id IN ` + page
	dropClients             = `DELETE FROM oauth_clients WHERE revoked_at IS NOT NULL AND id IN ` + page
)

const selectConsentsOfRevoked = `SELECT n.provider, n.user_id, n.client_id FROM oauth_clients c JOIN oauth_consents n ON n.client_id = c.id
WHERE c.revoked_at <= ? LIMIT 100`

const dropConsentsOfUser = `DELETE FROM oauth_consents WHERE provider = ? AND user_id = ? AND client_id = ?`

// clients deletes revoked clients of users, so that a user who creates and revokes
// clients doesn't fill the table. Other clients stay, so that an operator can't create
// a client with the ID or the key of a revoked one.
func (p *purge) clients(ctx context.Context) error {
	last, err := p.lastNumber(ctx)
	if err != nil {
		return err
	}
	return p.repeat(func() (int, int, error) {
		ids, err := p.keys(ctx, selectEmptyClients, late(p.revoked), len(last), len(last), last)
		if err != nil || len(ids) == 0 {
			return 0, 0, err
		}
		found := len(ids)
		ids = padded(ids)
		if err := p.consentsOf(ctx, ids); err != nil || p.left <= 0 { // there may be more consents
			return found, 0, err
		}
		n, err := p.dropClients(ctx, ids)
		return found, n, err
	})
}

// lastNumber returns the last number that was assigned as a client ID.
func (p *purge) lastNumber(ctx context.Context) (string, error) {
	n := int64(0)
	err := p.store.db.Row(ctx, counted, func(row sqldb.Row) error { return row.Scan(&n) })
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return "", err
	}
	return strconv.FormatInt(n, 10), nil
}

// consentsOfRevoked deletes the consents for revoked clients, whether or not the client
// stays. They never count again, and the list of a user's consents would read them.
func (p *purge) consentsOfRevoked(ctx context.Context) error {
	return p.consents(ctx, selectConsentsOfRevoked, late(p.revoked))
}

// consentsOf deletes the consents for a page of clients.
func (p *purge) consentsOf(ctx context.Context, ids []any) error {
	return p.consents(ctx, selectConsentsOfClients, ids...)
}

// consents deletes the consents that a query finds.
func (p *purge) consents(ctx context.Context, find string, args ...any) error {
	type consented struct{ provider, user, client string }
	return p.repeat(func() (found, done int, err error) {
		users := map[consented]bool{}
		err = p.store.db.Each(ctx, find, func(row sqldb.Row) error {
			var c consented
			err := row.Scan(&c.provider, &c.user, &c.client)
			users[c] = true
			found++
			return err
		}, args...)
		if err != nil {
			return 0, 0, err
		}
		for c := range users {
			n, err := p.store.db.Exec(ctx, dropConsentsOfUser, c.provider, c.user, c.client)
			if err != nil {
				return 0, 0, err
			}
			p.left -= int(n)
			done += int(n)
		}
		return found, done, nil
	})
}

// dropClients deletes a page of clients with their secrets and metadata, and the results of
// their logout notices.
func (p *purge) dropClients(ctx context.Context, ids []any) (int, error) {
	var n int64
	err := p.store.db.Tx(ctx, func(ctx context.Context, tx *sqldb.Tx) (err error) {
		for _, drop := range []string{dropSecrets, dropMetadata, dropLogos, dropStatuses} {
			if _, err := tx.Exec(ctx, drop, ids...); err != nil {
				return err
			}
		}
		n, err = tx.Exec(ctx, dropClients, ids...)
		return err
	})
	p.left -= int(n)
	return int(n), err
}
