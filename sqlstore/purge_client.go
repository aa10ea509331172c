package sqlstore

import "context"

// Families and tokens that ended with their client, or with all tokens of it. Each
// query finds the clients by an index, and then the records of each client.
var (
	familiesWithClient = []familySweep{
		{long: `SELECT f.id FROM oauth_clients c JOIN oauth_families f ON f.client_id = c.id WHERE c.revoked_at <= ? LIMIT 100`},
		{long: `SELECT f.id FROM oauth_clients c JOIN oauth_families f ON f.client_id = c.id AND f.created_at <= c.tokens_not_before
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
// pending request can add to them. Their own rows don't tell that they have ended.
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
