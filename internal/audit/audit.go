package passport

import (
	"cmp"
	"context"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// change is every change of the server: one write, which stores the audit record
// with it, and then the events. write gets the completed record, or nil if the audit
// log is off. If write fails, no event is published; an error that means "it is done
// already" is swallowed in write.
func (s *Server) change(ctx context.Context, record oauth.AuditRecord, write func(*oauth.AuditRecord) error, events ...Event) error {
	return s.changes(ctx, []oauth.AuditRecord{record}, func(audit []*oauth.AuditRecord) ([]Event, error) {
		return events, write(audit[0])
	})
}

// changes is change for a write that decides which of several changes happen. write
// gets a record for each, and returns the events of those that did.
func (s *Server) changes(ctx context.Context, records []oauth.AuditRecord, write func([]*oauth.AuditRecord) ([]Event, error)) error {
	completed := make([]*oauth.AuditRecord, len(records))
	for i, record := range records {
		completed[i] = s.auditRecord(ctx, record)
	}
	events, err := write(completed)
	if err != nil {
		return err
	}
	for _, event := range events {
		s.config.OnEvent(ctx, event)
	}
	return nil
}

// auditRecord completes a record; nil if the audit log is off.
func (s *Server) auditRecord(ctx context.Context, record oauth.AuditRecord) *oauth.AuditRecord {
	if !s.config.AuditLog {
		return nil
	}
	info := reqinfo.From(ctx)
	record.RequestID, record.Address, record.Actor = info.ID, info.Address, cmp.Or(record.Actor, info.Actor)
	return &record
}

// meta is what the events of a request say about it.
func meta(ctx context.Context) Meta {
	info := reqinfo.From(ctx)
	return Meta{RequestID: info.ID, Address: info.Address}
}
