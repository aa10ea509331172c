package laravelimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

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
// only write to the old tables. write is a pool for the database of the source that may
// write. MarkConsumed can be repeated. It refuses the keys of another application, whose
// clients can have the same IDs.
func MarkConsumed(ctx context.Context, c Config, write *sql.DB, progress func(tokens int)) (marked Marked, err error) {
	store, ok := oauth.StoreAs[oauth.ImportStore](c.Target)
	if !ok {
		return marked, errors.New("the store can't import: want sqlstore")
	}
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	if _, err := c.takeOptions(ctx, store); err != nil {
		return marked, err
	}
	source, err := c.Source.Open(ctx)
	if err != nil {
		return marked, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if _, err := source.check(ctx, c.Keys, c.Samples); err != nil {
		return marked, err
	}
	if err := sameKeys(ctx, store, c.Keys); err != nil {
		return marked, err
	}
	if err := source.endTransaction(); err != nil {
		return marked, fmt.Errorf("end the read transaction: %w", err)
	}
	to := c.Source
	to.DB = write
	m := &marker{
		target: c.Target, store: store, now: now,
		clients: ended{in: to, table: clientsTable, marked: &marked.Clients},
		access:  ended{in: to, table: accessTable, marked: &marked.AccessTokens},
		refresh: ended{in: to, table: refreshTable, marked: &marked.RefreshTokens},
		codes:   ended{in: to, table: codesTable, marked: &marked.Codes},
	}
	err = m.mark(ctx, source, progress)
	return marked, err
}

// marker finds what has ended here and revokes its rows there.
type marker struct {
	target oauth.Store
	store  oauth.ImportStore
	now    time.Time

	clients, access, refresh, codes ended
}

// mark reads the rows of Laravel in pages.
func (m *marker) mark(ctx context.Context, source *Snapshot, progress func(tokens int)) error {
	if err := source.eachClient(ctx, func(row *clientRow) error { return m.client(ctx, row) }); err != nil {
		return err
	}
	done := 0
	err := source.eachTokenPage(ctx, func(rows []*accessRow, orphans []refreshRow) error {
		done += len(rows)
		progress(done)
		return m.tokens(ctx, rows, orphans)
	})
	if err != nil {
		return err
	}
	if err := source.eachCode(ctx, m.now, func(row *codeRow) error { return m.code(ctx, row) }); err != nil {
		return err
	}
	for _, e := range []*ended{&m.clients, &m.access, &m.refresh, &m.codes} {
		if err := e.revoke(ctx); err != nil {
			return err
		}
	}
	return nil
}

// alive reports whether Laravel may still accept a row. Without an expiry, that in the
// token counts.
func (m *marker) alive(revoked bool, expiresAt time.Time) bool {
	return !revoked && (expiresAt.IsZero() || expiresAt.After(m.now))
}

func (m *marker) client(ctx context.Context, row *clientRow) error {
	if row.revoked {
		return nil
	}
	_, err := m.store.ImportedClient(ctx, row.id)
	if errors.Is(err, oauth.ErrNotFound) {
		return nil
	}
	var c *oauth.Client
	if err == nil {
		c, err = m.target.Client(ctx, row.id)
	}
	switch {
	case errors.Is(err, oauth.ErrNotFound), err == nil && !c.RevokedAt.IsZero():
		return m.clients.add(ctx, row.id)
	case err != nil:
		return fmt.Errorf("find client: %w", err)
	}
	return nil
}

func (m *marker) tokens(ctx context.Context, rows []*accessRow, orphans []refreshRow) error {
	for _, row := range rows {
		if err := m.accessToken(ctx, row); err != nil {
			return err
		}
		if err := m.refreshTokens(ctx, row.refresh); err != nil {
			return err
		}
	}
	return m.refreshTokens(ctx, orphans)
}

func (m *marker) accessToken(ctx context.Context, row *accessRow) error {
	if !m.alive(row.revoked, row.expiresAt) {
		return nil
	}
	t, err := m.target.AccessToken(ctx, row.id)
	switch {
	case errors.Is(err, oauth.ErrNotFound): // never imported, or purged: nothing tells these apart
		return nil
	case err != nil:
		return fmt.Errorf("find access token: %w", err)
	}
	// Laravel's guards for machines accept the tokens of a revoked client.
	if !t.RevokedAt.IsZero() || !t.Client.RevokedAt.IsZero() || t.Family != nil && !t.Family.RevokedAt.IsZero() {
		return m.access.add(ctx, row.id)
	}
	return nil
}

func (m *marker) refreshTokens(ctx context.Context, rows []refreshRow) error {
	for _, row := range rows {
		if !m.alive(row.revoked, row.expiresAt) {
			continue
		}
		over, err := m.refreshEnded(ctx, oauth.ImportedDigest(oauth.SpendRefreshToken, row.id))
		if err == nil && over {
			err = m.refresh.add(ctx, row.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refreshEnded reports whether a refresh token has been used or revoked here. The mark of
// one whose family began at its first use outlives the family.
func (m *marker) refreshEnded(ctx context.Context, d oauth.Digest) (bool, error) {
	t, err := m.target.RefreshToken(ctx, d)
	if err == nil {
		return !t.SpentAt.IsZero() || !t.Family.RevokedAt.IsZero(), nil
	}
	var kept *oauth.ImportedRefreshToken
	if errors.Is(err, oauth.ErrNotFound) {
		kept, err = m.store.ImportedRefreshToken(ctx, d)
	}
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("find refresh token: %w", err)
	}
	return !kept.RevokedAt.IsZero() || !kept.BegunAt.IsZero(), nil
}

func (m *marker) code(ctx context.Context, row *codeRow) error {
	if !m.alive(row.revoked, row.expiresAt) {
		return nil
	}
	code, err := m.target.Code(ctx, oauth.ImportedDigest(oauth.SpendCode, row.id))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find code: %w", err)
	case !code.SpentAt.IsZero() || !code.Family.RevokedAt.IsZero():
		return m.codes.add(ctx, row.id)
	}
	return nil
}

// ended are rows of one of Laravel's tables to revoke.
type ended struct {
	in     Source
	table  string
	marked *int // counts those that were revoked
	ids    []string
}

// revokePage is how many rows one statement revokes.
const revokePage = 500

// add adds a row, and revokes a full page.
func (e *ended) add(ctx context.Context, id string) error {
	e.ids = append(e.ids, id)
	if len(e.ids) < revokePage {
		return nil
	}
	return e.revoke(ctx)
}

// revoke revokes the rows that were added.
func (e *ended) revoke(ctx context.Context) error {
	if len(e.ids) == 0 {
		return nil
	}
	args := make([]any, len(e.ids))
	for i, id := range e.ids {
		args[i] = id
	}
	e.ids = e.ids[:0]
	q := "UPDATE " + e.in.quoted(e.table) + " SET revoked = TRUE WHERE id IN (?" + strings.Repeat(", ?", len(args)-1) + ")"
	result, err := e.in.DB.ExecContext(ctx, e.in.bind(q), args...)
	if err != nil {
		return fmt.Errorf("revoke rows of Laravel (this user needs permission to UPDATE the table %s): %w", e.in.Prefix+e.table, err)
	}
	n, err := result.RowsAffected()
	*e.marked += int(n)
	return err
}
