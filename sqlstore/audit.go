package sqlstore

import (
	"context"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

const (
	auditColumns = `a.id, a.happened_at, a.action, a.actor, a.provider, a.user_id, a.client_id, a.reason, a.address, a.request_id`

	insertAudit = `INSERT INTO oauth_audit (id, happened_at, action, actor, provider, user_id, client_id, reason, address, request_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	// A page takes two statements. A single one with an OR would reread all records of
	// the same time for each page.
	selectAuditAt    = `SELECT ` + auditColumns + ` FROM oauth_audit a WHERE a.happened_at = ? AND a.id > ? ORDER BY a.id LIMIT 100`
	selectAuditAfter = `SELECT ` + auditColumns + ` FROM oauth_audit a WHERE a.happened_at > ? ORDER BY a.happened_at, a.id LIMIT 100`
)

// saveAudit stores the record of a change, unless it is nil.
func saveAudit(ctx context.Context, tx *sqldb.Tx, a *oauth.AuditRecord) error {
	if a == nil {
		return nil
	}
	_, err := tx.Exec(ctx, insertAudit, uuid.NewV7(), sqldb.At(a.Time), fit(a.Action), fit(a.Actor), fit(a.User.Provider), fit(a.User.ID),
		fit(a.ClientID), fit(a.Reason), fit(a.Address), fit(a.RequestID))
	return err
}

// fit makes a value fit into its column. For example, a long request ID from a client
// must not make a revocation fail.
func fit(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= 255 {
		return s
	}
	end := 255
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// auditRow is a record with its ID. The next page begins after that ID.
type auditRow struct {
	id     string
	record oauth.AuditRecord
}

// AuditLog implements [oauth.AuditStore]. Purge keeps the log; the operator decides
// how long to keep it.
func (s *Store) AuditLog(ctx context.Context, since time.Time) iter.Seq2[*oauth.AuditRecord, error] {
	rows := pages(func(after *auditRow) ([]*auditRow, error) {
		if after == nil {
			return s.auditPage(ctx, selectAuditAfter, sqldb.At(since)-1)
		}
		at := sqldb.At(after.record.Time)
		page, err := s.auditPage(ctx, selectAuditAt, at, after.id)
		if err != nil || len(page) == pageSize {
			return page, err
		}
		later, err := s.auditPage(ctx, selectAuditAfter, at)
		return append(page, later...)[:min(len(page)+len(later), pageSize)], err
	})
	return func(yield func(*oauth.AuditRecord, error) bool) {
		for row, err := range rows {
			var record *oauth.AuditRecord
			if row != nil {
				record = &row.record
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

func (s *Store) auditPage(ctx context.Context, q string, args ...any) (page []*auditRow, err error) {
	err = s.db.Each(ctx, q, func(row sqldb.Row) error {
		entry := new(auditRow)
		r := &entry.record
		page = append(page, entry)
		return row.Scan(&entry.id, sqldb.Micros{T: &r.Time}, &r.Action, &r.Actor, &r.User.Provider, &r.User.ID, &r.ClientID, &r.Reason, &r.Address, &r.RequestID)
	}, args...)
	return page, err
}
