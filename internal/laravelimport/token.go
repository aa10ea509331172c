package laravelimport

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// accessRow is a row of oauth_access_tokens with its refresh tokens.
type accessRow struct {
	id, userID, clientID, name string
	scopes                     []string
	revoked                    bool
	createdAt, expiresAt       time.Time
	refresh                    []refreshRow // usually one, or none
}

// refreshRow is a row of oauth_refresh_tokens.
type refreshRow struct {
	id, accessTokenID string
	revoked           bool
	expiresAt         time.Time
}

// codeRow is a row of oauth_auth_codes.
type codeRow struct {
	id, userID, clientID string
	scopes               []string
	revoked              bool
	expiresAt            time.Time
}

// tokenPage is how many access tokens one page reads.
const tokenPage = 1000

// eachTokenPage calls do for each page of access tokens, in the order of their IDs, and
// with the refresh tokens in the same range whose access token is gone.
//
// The pages of refresh tokens have the same bounds, so each is read once: those up to the
// last ID of a page, and at the end all others.
func (s *Snapshot) eachTokenPage(ctx context.Context, do func(tokens []*accessRow, orphans []refreshRow) error) error {
	last := ""
	for {
		tokens, err := s.accessPage(ctx, last)
		if err != nil {
			return fmt.Errorf("read access tokens: %w", err)
		}
		end := ""
		if len(tokens) == tokenPage {
			end = tokens[len(tokens)-1].id
		}
		orphans, err := s.refreshOf(ctx, tokens, last, end)
		if err != nil {
			return fmt.Errorf("read refresh tokens: %w", err)
		}
		if err := do(tokens, orphans); err != nil {
			return err
		}
		if end == "" {
			return nil
		}
		last = end
	}
}

func (s *Snapshot) accessPage(ctx context.Context, after string) (page []*accessRow, err error) {
	q := `SELECT id, user_id, client_id, name, scopes, revoked, created_at, expires_at FROM ` + s.source.quoted(accessTable) +
		` WHERE id > ? ORDER BY id ` + fmt.Sprintf("LIMIT %d", tokenPage)
	zone := s.source.Location
	page = make([]*accessRow, 0, tokenPage)
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		t := &accessRow{}
		page = append(page, t)
		return rows.Scan(id{&t.id}, id{&t.userID}, id{&t.clientID}, text{&t.name}, list{&t.scopes, nil}, flag{&t.revoked}, moment{&t.createdAt, zone}, moment{&t.expiresAt, zone})
	}, after)
	return page, err
}

// refreshOf adds the refresh tokens to their access tokens, and returns the others. An
// empty end is the end of the table.
func (s *Snapshot) refreshOf(ctx context.Context, tokens []*accessRow, after, end string) (orphans []refreshRow, err error) {
	byID := make(map[string]*accessRow, len(tokens))
	for _, t := range tokens {
		byID[t.id] = t
	}
	q, args := `SELECT id, access_token_id, revoked, expires_at FROM `+s.source.quoted(refreshTable)+` WHERE access_token_id > ?`, []any{after}
	if after == "" {
		q = `SELECT id, access_token_id, revoked, expires_at FROM ` + s.source.quoted(refreshTable) + ` WHERE access_token_id >= ?`
	}
	if end != "" {
		q, args = q+` AND access_token_id <= ?`, append(args, end)
	}
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		var r refreshRow
		if err := rows.Scan(id{&r.id}, id{&r.accessTokenID}, flag{&r.revoked}, moment{&r.expiresAt, s.source.Location}); err != nil {
			return err
		}
		if t := byID[r.accessTokenID]; t != nil {
			t.refresh = append(t.refresh, r)
		} else {
			orphans = append(orphans, r)
		}
		return nil
	}, args...)
	return orphans, err
}

// eachCode calls do for each authorization code that has not expired.
func (s *Snapshot) eachCode(ctx context.Context, now time.Time, do func(*codeRow) error) error {
	q := `SELECT id, user_id, client_id, scopes, revoked, expires_at FROM ` + s.source.quoted(codesTable) + ` WHERE id > ? ORDER BY id ` + fmt.Sprintf("LIMIT %d", tokenPage)
	for last := ""; ; {
		var page []*codeRow
		err := s.each(ctx, q, func(rows *sql.Rows) error {
			c := &codeRow{}
			page = append(page, c)
			return rows.Scan(id{&c.id}, id{&c.userID}, id{&c.clientID}, list{&c.scopes, nil}, flag{&c.revoked}, moment{&c.expiresAt, s.source.Location})
		}, last)
		if err != nil {
			return fmt.Errorf("read authorization codes: %w", err)
		}
		for _, c := range page {
			last = c.id
			if err := do(c); err != nil {
				return err
			}
		}
		if len(page) < tokenPage {
			return nil
		}
	}
}
