package laravelimport

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/sqldb"
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

// refreshRows is how many refresh tokens one page reads. Few access tokens with most
// refresh tokens between them are usual: a purge deletes expired access tokens first.
const refreshRows = 4 * tokenPage

// eachTokenPage calls do for each page of access tokens, in the order of their IDs, and
// with the refresh tokens in the same range whose access token is gone. If there are many
// of these, it calls do with some of them alone.
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
		orphans, err := s.refreshOf(ctx, tokens, between{last, end}, func(some []refreshRow) error { return do(nil, some) })
		if err != nil {
			return err
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

// between are the bounds of access tokens: after is excluded, end is included. An empty end
// is the end of the table.
type between struct{ after, end string }

func (s *Snapshot) accessPage(ctx context.Context, after string) (page []*accessRow, err error) {
	q := `SELECT id, user_id, client_id, name, scopes, revoked, ` + s.timeColumn("created_at") + `, ` + s.timeColumn("expires_at") + ` FROM ` + s.source.quoted(accessTable) +
		` WHERE id > ? ORDER BY id ` + fmt.Sprintf("LIMIT %d", tokenPage)
	created, expires := s.zone(accessTable, "created_at"), s.zone(accessTable, "expires_at")
	page = make([]*accessRow, 0, tokenPage)
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		t, scopes := &accessRow{}, ""
		page = append(page, t)
		err := rows.Scan(id{&t.id}, id{&t.userID}, id{&t.clientID}, text{&t.name}, text{&scopes}, flag{&t.revoked}, moment{&t.createdAt, created}, moment{&t.expiresAt, expires})
		t.scopes = s.list(scopes)
		return err
	}, after)
	return page, err
}

// timeColumn returns a column with times as the importer reads it. The driver of SQLite
// parses each time itself, unless the column is text.
func (s *Snapshot) timeColumn(name string) string {
	if s.source.Dialect.Name == sqldb.SQLite.Name {
		return "CAST(" + name + " AS TEXT)"
	}
	return name
}

// mostLists is how many lists of scopes a snapshot remembers: an application has few.
const mostLists = 1000

// list returns the scopes in a text. The caller must not change them.
func (s *Snapshot) list(text string) []string {
	items, ok := s.lists[text]
	if !ok {
		items, _ = parseList(text)
		if len(s.lists) < mostLists {
			s.lists[text] = items
		}
	}
	return items
}

// refreshOf adds the refresh tokens to their access tokens, and returns the others. Of
// many others it passes some to full.
func (s *Snapshot) refreshOf(ctx context.Context, tokens []*accessRow, of between, full func([]refreshRow) error) (orphans []refreshRow, err error) {
	byID := make(map[string]*accessRow, len(tokens))
	for _, t := range tokens {
		byID[t.id] = t
	}
	for last := (*refreshRow)(nil); ; {
		page, err := s.refreshPage(ctx, of, last)
		if err != nil {
			return nil, fmt.Errorf("read refresh tokens: %w", err)
		}
		for _, r := range page {
			if t := byID[r.accessTokenID]; t != nil {
				t.refresh = append(t.refresh, r)
			} else {
				orphans = append(orphans, r)
			}
		}
		if len(page) < refreshRows {
			return orphans, nil
		}
		last = &page[len(page)-1]
		if len(orphans) >= tokenPage {
			if err := full(orphans); err != nil {
				return nil, err
			}
			orphans = nil
		}
	}
}

// refreshPage reads the page after a row, or the first one.
func (s *Snapshot) refreshPage(ctx context.Context, of between, last *refreshRow) (page []refreshRow, err error) {
	q, args := `SELECT id, access_token_id, revoked, `+s.timeColumn("expires_at")+` FROM `+s.source.quoted(refreshTable)+` WHERE access_token_id > ?`, []any{of.after}
	switch {
	case last != nil:
		q, args = strings.Replace(q, "> ?", ">= ? AND (access_token_id > ? OR id > ?)", 1), []any{last.accessTokenID, last.accessTokenID, last.id}
	case of.after == "":
		q = strings.Replace(q, "> ?", ">= ?", 1)
	}
	if of.end != "" {
		q, args = q+` AND access_token_id <= ?`, append(args, of.end)
	}
	zone := s.zone(refreshTable, "expires_at")
	err = s.each(ctx, q+fmt.Sprintf(" ORDER BY access_token_id, id LIMIT %d", refreshRows), func(rows *sql.Rows) error {
		var r refreshRow
		err := rows.Scan(id{&r.id}, id{&r.accessTokenID}, flag{&r.revoked}, moment{&r.expiresAt, zone})
		page = append(page, r)
		return err
	}, args...)
	return page, err
}

// eachCode calls do for each authorization code that has not expired.
func (s *Snapshot) eachCode(ctx context.Context, now time.Time, do func(*codeRow) error) error {
	q := `SELECT id, user_id, client_id, scopes, revoked, expires_at FROM ` + s.source.quoted(codesTable) + ` WHERE id > ? ORDER BY id ` + fmt.Sprintf("LIMIT %d", tokenPage)
	zone := s.zone(codesTable, "expires_at")
	for last := ""; ; {
		var page []*codeRow
		err := s.each(ctx, q, func(rows *sql.Rows) error {
			c := &codeRow{}
			page = append(page, c)
			return rows.Scan(id{&c.id}, id{&c.userID}, id{&c.clientID}, list{&c.scopes, nil}, flag{&c.revoked}, moment{&c.expiresAt, zone})
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
