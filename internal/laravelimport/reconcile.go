package laravelimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// reconciler ends what an earlier import has stored and Laravel has revoked or deleted
// since. A missing row is a revoked one in Laravel, and its purge deletes revoked rows.
type reconciler struct {
	*importer
	gone     map[pair]bool   // users and clients of which a token ended
	imported map[string]bool // the clients that Laravel has
}

type pair struct {
	user     oauth.UserRef
	clientID string
}

// reconcilePage is how many tokens of the target one query looks up in the source.
const reconcilePage = 500

// reconcile compares what was imported before with the source.
func (i *importer) reconcile(ctx context.Context) error {
	r := &reconciler{importer: i, gone: map[pair]bool{}, imported: map[string]bool{}}
	if err := r.clients(ctx); err != nil {
		return err
	}
	for after := ""; ; {
		ids, err := i.store.UsableTokenIDs(ctx, after)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		for page := range slices.Chunk(ids, reconcilePage) {
			if err := r.tokens(ctx, page); err != nil {
				return err
			}
		}
		after = ids[len(ids)-1]
	}
	for p := range r.gone {
		if err := r.withdraw(ctx, p); err != nil {
			return err
		}
	}
	ended, err := i.store.EndUnseen(ctx, i.report.At)
	if err != nil {
		return fmt.Errorf("end refresh tokens that Laravel has deleted: %w", err)
	}
	i.report.Ended += ended
	return nil
}

// clients revokes the clients that Laravel has deleted, and notes the other imported ones.
func (r *reconciler) clients(ctx context.Context) error {
	for c, err := range r.Target.Clients(ctx) {
		if err != nil {
			return fmt.Errorf("list clients: %w", err)
		}
		_, err := r.store.ImportedClient(ctx, c.ID)
		switch {
		case errors.Is(err, oauth.ErrNotFound):
		case err != nil:
			return fmt.Errorf("find imported client: %w", err)
		case r.build.clients[c.ID] != nil:
			r.imported[c.ID] = true
		case c.RevokedAt.IsZero():
			r.report.Ended++
			if err := r.Target.RevokeClient(ctx, c.ID, r.report.At, nil); err != nil {
				return fmt.Errorf("revoke a client that Laravel has deleted: %w", err)
			}
		}
	}
	return nil
}

// tokens ends those of a page that are no longer alive in Laravel. An access token whose
// refresh token is alive there ends alone.
func (r *reconciler) tokens(ctx context.Context, page []string) error {
	alive, refreshable, err := r.aliveAmong(ctx, page)
	if err != nil {
		return fmt.Errorf("compare tokens with Laravel: %w", err)
	}
	batch := &oauth.ImportBatch{}
	var unrefreshable []string
	for _, id := range page {
		if alive[id] {
			if !refreshable[id] {
				unrefreshable = append(unrefreshable, oauth.ImportedFamilyID(id))
			}
			continue
		}
		t, err := r.Target.AccessToken(ctx, id)
		switch {
		case errors.Is(err, oauth.ErrNotFound):
		case err != nil:
			return fmt.Errorf("find a token that Laravel has ended: %w", err)
		case !r.isImported(t):
		case refreshable[id] && t.Family != nil:
			batch.AccessTokens = append(batch.AccessTokens, &oauth.AccessToken{
				ID: t.ID, Client: t.Client, Family: t.Family, Scopes: t.Scopes, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt, RevokedAt: r.report.At,
			})
		default:
			if err := r.end(ctx, t); err != nil {
				return err
			}
		}
	}
	if err := r.store.SpendImported(ctx, unrefreshable, r.report.At); err != nil {
		return fmt.Errorf("end refresh tokens that Laravel has deleted: %w", err)
	}
	return r.save(ctx, batch)
}

// isImported reports whether a token comes from Laravel and has not ended here. Tokens of
// this server have a digest or an audience, or they continue a family that began with
// another token.
func (r *reconciler) isImported(t *oauth.AccessToken) bool {
	if !r.imported[t.Client.ID] || t.Digest != "" || t.Audience != nil {
		return false
	}
	if t.Family == nil {
		return t.RevokedAt.IsZero()
	}
	return t.Family.ID == oauth.ImportedFamilyID(t.ID) && t.Family.Live(r.report.At)
}

func (r *reconciler) end(ctx context.Context, t *oauth.AccessToken) error {
	r.report.Ended++
	if t.Family != nil && !t.Family.Personal {
		r.gone[pair{t.Family.User, t.Family.ClientID}] = true
	}
	if err := r.Target.RevokeToken(ctx, t.ID, r.report.At, nil); err != nil {
		return fmt.Errorf("end a token that Laravel has ended: %w", err)
	}
	return nil
}

// aliveAmong reports which access tokens exist in Laravel and are not revoked, and which
// have a refresh token that is alive. Expiry is left to the rows of the target.
func (r *reconciler) aliveAmong(ctx context.Context, page []string) (alive, refreshable map[string]bool, err error) {
	ids := make([]any, len(page))
	for n, id := range page {
		ids[n] = id
	}
	in := " IN (?" + strings.Repeat(", ?", len(ids)-1) + ")"
	alive, refreshable = map[string]bool{}, map[string]bool{}
	access, refresh := r.source.source.quoted(accessTable), r.source.source.quoted(refreshTable)
	err = r.source.each(ctx, `SELECT id, revoked FROM `+access+` WHERE id`+in, func(rows *sql.Rows) error {
		var key string
		var revoked bool
		err := rows.Scan(id{&key}, flag{&revoked})
		alive[key] = !revoked
		return err
	}, ids...)
	if err != nil {
		return nil, nil, err
	}
	err = r.source.each(ctx, `SELECT access_token_id, revoked, expires_at FROM `+refresh+` WHERE access_token_id`+in, func(rows *sql.Rows) error {
		var key string
		var revoked bool
		var expiresAt time.Time
		err := rows.Scan(id{&key}, flag{&revoked}, moment{&expiresAt, r.source.zone(refreshTable, "expires_at")})
		if r.build.live(revoked, expiresAt) {
			refreshable[key] = true
		}
		return err
	}, ids...)
	return alive, refreshable, err
}

// withdraw withdraws the consents of a user who has no live token at a client any more:
// the user has disconnected the app in Laravel.
func (r *reconciler) withdraw(ctx context.Context, p pair) error {
	userID := p.user.ID
	live := false
	q := `SELECT client_id, revoked, expires_at FROM ` + r.source.source.quoted(accessTable) + ` WHERE user_id = ?`
	err := r.source.each(ctx, q, func(rows *sql.Rows) error {
		var client string
		var revoked bool
		var expiresAt time.Time
		err := rows.Scan(id{&client}, flag{&revoked}, moment{&expiresAt, r.source.zone(accessTable, "expires_at")})
		live = live || client == p.clientID && r.build.live(revoked, expiresAt)
		return err
	}, userID)
	if err == nil && !live {
		err = r.Target.Withdraw(ctx, p.user, p.clientID, r.report.At, nil)
	}
	if err != nil {
		return fmt.Errorf("withdraw consents: %w", err)
	}
	return nil
}
