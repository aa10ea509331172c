package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// listedClient has the columns of a client that lists of tokens show. It omits redirect
// URIs and attributes: they may be long, and would be read once per token.
const listedClient = `c.id, c.name, c.owner_provider, c.owner_id, c.auth_method, c.provider, c.grant_types, c.scopes,
c.created_at, c.updated_at, c.suspended_at, c.revoked_at, c.version, c.audience, c.tokens_not_before`

func listedClientFields(fields []any, c *oauth.Client) []any {
	return append(fields,
		&c.ID, &c.Name, &c.Owner.Provider, &c.Owner.ID, &c.AuthMethod, &c.Provider, sqldb.List{L: &c.GrantTypes}, sqldb.List{L: &c.Scopes},
		sqldb.Micros{T: &c.CreatedAt}, sqldb.Micros{T: &c.UpdatedAt}, sqldb.Micros{T: &c.SuspendedAt}, sqldb.Micros{T: &c.RevokedAt},
		&c.Version, sqldb.Text{S: &c.Audience}, sqldb.Micros{T: &c.TokensNotBefore})
}

// listedTokens collects the rows of a list. Tokens of one client share its record.
type listedTokens struct {
	tokens  []*oauth.AccessToken
	clients map[string]*oauth.Client
}

func (l *listedTokens) scan(row sqldb.Row) error {
	return l.read(row, func(fields []any, _ *oauth.AccessToken) []any { return fields })
}

// scanNewest is scan for a row of selectNewest.
func (l *listedTokens) scanNewest(row sqldb.Row) error {
	return l.read(row, func(fields []any, t *oauth.AccessToken) []any {
		return append(usedFields(fields, t), sqldb.List{L: &t.GrantedScopes})
	})
}

func (l *listedTokens) read(row sqldb.Row, more func(fields []any, t *oauth.AccessToken) []any) error {
	t, client := new(oauth.AccessToken), new(oauth.Client)
	var family familyRow
	fields := family.fields(listedClientFields(tokenFields(make([]any, 0, mostFields), t), client))
	if err := row.Scan(more(fields, t)...); err != nil {
		return fmt.Errorf("read access token: %w", err)
	}
	if l.clients == nil {
		l.clients = map[string]*oauth.Client{}
	}
	if l.clients[client.ID] == nil {
		l.clients[client.ID] = client
	}
	t.Client, t.Family = l.clients[client.ID], family.record()
	l.tokens = append(l.tokens, t)
	return nil
}

// selectNewest finds the families by an index, and one token of each. The cut-offs
// exclude families that were stored after a revocation. The limit is [oauth.MaxListed].
const selectNewest = `SELECT ` + tokenColumns + `, ` + listedClient + `, ` + familyColumns + `, f.revoked_at, ` + usedColumns + `, r.scopes
FROM (SELECT ` + familyColumns + `, f.revoked_at, (SELECT n.id FROM oauth_access_tokens n WHERE n.family_id = f.id AND n.client_id = f.client_id
ORDER BY n.issued_at DESC, n.id DESC LIMIT 1) AS token_id
FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.personal = ? AND f.revoked_at IS NULL AND f.expires_at > ?
ORDER BY f.expires_at DESC, f.id DESC LIMIT 1000) f
JOIN oauth_access_tokens t ON t.id = f.token_id JOIN oauth_clients c ON c.id = f.client_id LEFT JOIN oauth_last_used u ON u.family_id = f.id
LEFT JOIN oauth_refresh_tokens r ON r.family_id = f.id AND r.access_token_id = t.id
WHERE c.revoked_at IS NULL AND (c.tokens_not_before IS NULL OR c.tokens_not_before < f.created_at) AND NOT EXISTS (SELECT 1 FROM oauth_cut_offs x WHERE ` + cutMatches + ` AND x.unredeemed = 0)`

// Connections implements [oauth.TokenStore].
func (s *Store) Connections(ctx context.Context, user oauth.UserRef, at time.Time) ([]*oauth.AccessToken, error) {
	return s.newest(ctx, user, false, sqldb.At(at))
}

// PersonalTokens implements [oauth.TokenStore].
func (s *Store) PersonalTokens(ctx context.Context, user oauth.UserRef) ([]*oauth.AccessToken, error) {
	return s.newest(ctx, user, true, math.MinInt64)
}

func (s *Store) newest(ctx context.Context, user oauth.UserRef, personal bool, expiresAfter int64) ([]*oauth.AccessToken, error) {
	if !storable(user.Provider, user.ID) {
		return nil, nil
	}
	var list listedTokens
	err := s.db.Each(ctx, selectNewest, list.scanNewest, user.Provider, user.ID, sqldb.Flag(personal), expiresAfter)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	slices.SortFunc(list.tokens, func(a, b *oauth.AccessToken) int { return strings.Compare(a.ID, b.ID) })
	return list.tokens, nil
}

const (
	selectFamilyIDs = `SELECT f.id FROM oauth_families f WHERE f.provider = ? AND f.user_id = ? AND f.id > ? ORDER BY f.id LIMIT 100`

	tokensWithFamilies = `SELECT ` + tokenColumns + `, ` + listedClient + `, ` + familyColumns + `, ` + cutAt + ` FROM `

	selectTokensOfFamily = tokensWithFamilies + `(SELECT t.* FROM oauth_access_tokens t
WHERE t.family_id = ? AND t.id > ? ORDER BY t.id LIMIT 100) t
JOIN oauth_families f ON f.id = t.family_id JOIN oauth_clients c ON c.id = t.client_id ORDER BY t.id`
)

// The query has no ORDER BY, so the database can stop at the limit. A result below the
// limit is complete.
var selectTokensAmong = tokensWithFamilies + `oauth_families f JOIN oauth_access_tokens t ON t.family_id = f.id JOIN oauth_clients c ON c.id = t.client_id
WHERE f.id IN ` + page + ` LIMIT 1000`

// mostAmong is the limit of selectTokensAmong.
const mostAmong = 1000

// TokensOf implements [oauth.TokenStore]. A token row does not name its user, so
// the list goes from family to family.
func (s *Store) TokensOf(ctx context.Context, user oauth.UserRef) iter.Seq2[*oauth.AccessToken, error] {
	if !storable(user.Provider, user.ID) {
		return none[*oauth.AccessToken]()
	}
	return func(yield func(*oauth.AccessToken, error) bool) {
		for after := ""; ; {
			families, err := s.familyIDs(ctx, user, after)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(families) == 0 || !s.tokensOfPage(ctx, families, yield) || len(families) < pageSize {
				return
			}
			after = families[len(families)-1]
		}
	}
}

// familyIDs returns the next page of a user's families.
func (s *Store) familyIDs(ctx context.Context, user oauth.UserRef, after string) (ids []string, err error) {
	err = s.db.Each(ctx, selectFamilyIDs, func(row sqldb.Row) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, user.Provider, user.ID, after)
	return ids, err
}

// tokensOfPage yields the tokens of a page of families. It usually takes one statement.
// If the families have too many tokens for one statement, it reads each family in
// pages. It reports whether the loop continues.
func (s *Store) tokensOfPage(ctx context.Context, families []string, yield func(*oauth.AccessToken, error) bool) bool {
	var list listedTokens
	keys := make([]any, 0, purgePage)
	for _, id := range families {
		keys = append(keys, id)
	}
	if err := s.db.Each(ctx, selectTokensAmong, list.scan, padded(keys)...); err != nil {
		yield(nil, err)
		return false
	}
	if len(list.tokens) < mostAmong {
		slices.SortFunc(list.tokens, func(a, b *oauth.AccessToken) int {
			return cmp.Or(strings.Compare(a.Family.ID, b.Family.ID), strings.Compare(a.ID, b.ID))
		})
		return yieldAll(slices.Values(list.tokens), yield)
	}
	for _, family := range families {
		for t, err := range s.tokensOfFamily(ctx, family) {
			if !yield(t, err) || err != nil {
				return false
			}
		}
	}
	return true
}

func (s *Store) tokensOfFamily(ctx context.Context, family string) iter.Seq2[*oauth.AccessToken, error] {
	return pages(func(after *oauth.AccessToken) ([]*oauth.AccessToken, error) {
		id := ""
		if after != nil {
			id = after.ID
		}
		var list listedTokens
		err := s.db.Each(ctx, selectTokensOfFamily, list.scan, family, id)
		return list.tokens, err
	})
}

func yieldAll(tokens iter.Seq[*oauth.AccessToken], yield func(*oauth.AccessToken, error) bool) bool {
	for t := range tokens {
		if !yield(t, nil) {
			return false
		}
	}
	return true
}
