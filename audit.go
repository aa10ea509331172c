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
	var audit *oauth.AuditRecord
	if s.config.AuditLog {
		info := reqinfo.From(ctx)
		record.RequestID, record.Address, record.Actor = info.ID, info.Address, cmp.Or(record.Actor, info.Actor)
		audit = &record
	}
	if err := write(audit); err != nil {
		return err
	}
	for _, event := range events {
		s.config.OnEvent(ctx, event)
	}
	return nil
}

// meta is what the events of a request say about it.
func meta(ctx context.Context) Meta {
	info := reqinfo.From(ctx)
	return Meta{RequestID: info.ID, Address: info.Address}
}
