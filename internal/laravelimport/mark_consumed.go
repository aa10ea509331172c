package laravelimport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// Marked are the numbers of rows that [MarkConsumed] has revoked in Laravel's tables.
type Marked struct {
	AccessTokens  int `json:"access_tokens"`
	RefreshTokens int `json:"refresh_tokens"`
	Codes         int `json:"codes"`
	Clients       int `json:"clients"`
}

// MarkConsumed revokes in Laravel's tables what has been spent or revoked here since the
// import, so that it does not come back to life if Laravel issues tokens again. It is the
// only write to the old tables. source reads, and write is a pool for the same database
// that may write. MarkConsumed can be repeated.
func MarkConsumed(ctx context.Context, c Config, write Source, progress func(tokens int)) (marked Marked, err error) {
	store, ok := oauth.StoreAs[oauth.ImportStore](c.Target)
	if !ok {
		return marked, errors.New("the store can't import: want sqlstore")
	}
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	source, err := c.Source.Open(ctx)
	if err != nil {
		return marked, err
	}
	m := &marker{target: c.Target, store: store, write: write, now: now, marked: &marked}
	defer func() { err = errors.Join(err, source.Close()) }()
	if err := source.endTransaction(); err != nil {
		return marked, fmt.Errorf("end the read transaction: %w", err)
	}
	if err := m.clients(ctx, source); err != nil {
		return marked, err
	}
	done := 0
	err = source.eachTokenPage(ctx, func(rows []*accessRow, orphans []refreshRow) error {
		done += len(rows)
		progress(done)
		return m.tokens(ctx, rows, orphans)
	})
	if err != nil {
		return marked, err
	}
	var codes []string
	err = source.eachCode(ctx, now, func(row *codeRow) error {
		if !m.alive(row.revoked, row.expiresAt) {
			return nil
		}
		code, err := m.target.Code(ctx, oauth.ImportedDigest(oauth.SpendCode, row.id))
		if errors.Is(err, oauth.ErrNotFound) {
			return nil
		}
		if err == nil && (!code.SpentAt.IsZero() || !code.Family.RevokedAt.IsZero()) {
			codes = append(codes, row.id)
		}
		return err
	})
	if err != nil {
		return marked, fmt.Errorf("find codes: %w", err)
	}
	marked.Codes, err = m.revoke(ctx, codesTable, codes)
	return marked, err
}

// marker finds what has ended here and revokes its rows there.
type marker struct {
	target oauth.Store
	store  oauth.ImportStore
	write  Source
	now    time.Time
	marked *Marked
}

// alive reports whether Laravel may still accept a row. Without an expiry, that in the
// token counts.
func (m *marker) alive(revoked bool, expiresAt time.Time) bool {
	return !revoked && (expiresAt.IsZero() || expiresAt.After(m.now))
}

func (m *marker) clients(ctx context.Context, source *Snapshot) error {
	var revoked []string
	err := source.eachClient(ctx, func(row *clientRow) error {
		if row.revoked {
			return nil
		}
		if _, err := m.store.ImportedClient(ctx, row.id); errors.Is(err, oauth.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		c, err := m.target.Client(ctx, row.id)
		if errors.Is(err, oauth.ErrNotFound) || err == nil && !c.RevokedAt.IsZero() {
			revoked = append(revoked, row.id)
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("find clients: %w", err)
	}
	m.marked.Clients, err = m.revoke(ctx, clientsTable, revoked)
	return err
}

func (m *marker) tokens(ctx context.Context, rows []*accessRow, orphans []refreshRow) error {
	var access, refresh []string
	refreshes := orphans
	for _, row := range rows {
		refreshes = append(refreshes, row.refresh...)
		if !m.alive(row.revoked, row.expiresAt) {
			continue
		}
		ended, err := m.accessEnded(ctx, row.id)
		if err != nil {
			return fmt.Errorf("find access token: %w", err)
		}
		if ended {
			access = append(access, row.id)
		}
	}
	for _, row := range refreshes {
		if !m.alive(row.revoked, row.expiresAt) {
			continue
		}
		ended, err := m.refreshEnded(ctx, oauth.ImportedDigest(oauth.SpendRefreshToken, row.id))
		if err != nil {
			return fmt.Errorf("find refresh token: %w", err)
		}
		if ended {
			refresh = append(refresh, row.id)
		}
	}
	n, err := m.revoke(ctx, accessTable, access)
	if err != nil {
		return err
	}
	m.marked.AccessTokens += n
	n, err = m.revoke(ctx, refreshTable, refresh)
	m.marked.RefreshTokens += n
	return err
}

// accessEnded reports whether an access token that was imported has been revoked here. A
// row that is gone has ended too, unless it was never imported.
func (m *marker) accessEnded(ctx context.Context, id string) (bool, error) {
	t, err := m.target.AccessToken(ctx, id)
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	return err == nil && (!t.RevokedAt.IsZero() || t.Family != nil && !t.Family.RevokedAt.IsZero()), err
}

func (m *marker) refreshEnded(ctx context.Context, d oauth.Digest) (bool, error) {
	t, err := m.target.RefreshToken(ctx, d)
	if err == nil {
		return !t.SpentAt.IsZero() || !t.Family.RevokedAt.IsZero(), nil
	}
	if !errors.Is(err, oauth.ErrNotFound) {
		return false, err
	}
	u, err := m.store.ImportedRefreshToken(ctx, d)
	if errors.Is(err, oauth.ErrNotFound) {
		return false, nil
	}
	return err == nil && !u.RevokedAt.IsZero(), err
}

// revoke marks rows as revoked, and returns how many it changed.
func (m *marker) revoke(ctx context.Context, table string, ids []string) (n int, err error) {
	const most = 500
	for len(ids) > 0 {
		page := ids[:min(most, len(ids))]
		ids = ids[len(page):]
		args := make([]any, len(page))
		for i, id := range page {
			args[i] = id
			if number, err := strconv.ParseInt(id, 10, 64); err == nil && table == clientsTable && m.write.Dialect.Name == sqldb.Postgres.Name {
				args[i] = number
			}
		}
		q := "UPDATE " + m.write.quoted(table) + " SET revoked = TRUE WHERE id IN (?" + strings.Repeat(", ?", len(page)-1) + ")"
		result, err := m.write.DB.ExecContext(ctx, m.write.bind(q), args...)
		if err != nil {
			return n, fmt.Errorf("revoke rows of %s: %w", m.write.Prefix+table, err)
		}
		changed, err := result.RowsAffected()
		if err != nil {
			return n, err
		}
		n += int(changed)
	}
	return n, nil
}
