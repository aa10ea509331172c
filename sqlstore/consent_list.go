package sqlstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// selectConsentsOf finds a page of consents by the primary key, and then their clients.
// A consent counts at the client's version, as in selectConsents, unless the user
// declined the scope later. The names of declined scopes are a range of the primary
// key: see declinedName.
const selectConsentsOf = `SELECT g.scope, g.granted_at, ` + listedClient + `
FROM (SELECT n.client_id, n.scope, MIN(n.granted_at) AS granted_at FROM oauth_consents n JOIN oauth_clients v ON v.id = n.client_id
WHERE n.provider = ? AND n.user_id = ? AND (n.client_id > ? OR n.client_id = ? AND n.scope > ?) AND v.revoked_at IS NULL
AND COALESCE(n.consent_version, CASE WHEN v.owner_provider = '' AND v.owner_id = '' THEN 0 ELSE -1 END) = COALESCE(v.consent_version, 0)
AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE x.provider = n.provider AND x.user_id = n.user_id AND x.cut_at >= n.granted_at
AND x.client_id = n.client_id AND x.consents = 1)
AND n.declined IS NULL AND NOT EXISTS (SELECT 1 FROM oauth_consents d WHERE d.provider = n.provider AND d.user_id = n.user_id
AND d.client_id = n.client_id AND d.scope > 'declined ' AND d.scope < 'declined!' AND d.declined = n.scope AND d.granted_at >= n.granted_at AND d.consent_version = COALESCE(v.consent_version, 0)) GROUP BY n.client_id, n.scope ORDER BY n.client_id, n.scope LIMIT 100) g
JOIN oauth_clients c ON c.id = g.client_id ORDER BY g.client_id, g.scope`

// ConsentsOf implements [oauth.ConsentListStore].
func (s *Store) ConsentsOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.Consent, error] {
	if !storable(user.Provider, user.ID) {
		return none[*oauth.Consent]()
	}
	return pages(func(after *oauth.Consent) (page []*oauth.Consent, err error) {
		client, scope := "", ""
		if after != nil {
			client, scope = after.Client.ID, after.Scope
		}
		err = s.db.Each(ctx, selectConsentsOf, func(row sqldb.Row) error {
			c := &oauth.Consent{Client: new(oauth.Client)}
			page = append(page, c)
			return row.Scan(listedClientFields([]any{&c.Scope, sqldb.Micros{T: &c.GrantedAt}}, c.Client)...)
		}, user.Provider, user.ID, client, client, scope)
		if err != nil {
			return nil, fmt.Errorf("list consents: %w", err)
		}
		return page, nil
	})
}
