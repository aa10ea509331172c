package passport

import (
	"cmp"
	"context"

	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// announce tells the application of a change that has been stored.
func (s *Server) announce(ctx context.Context, event func(Meta) Event) {
	info := reqinfo.From(ctx)
	s.config.OnEvent(ctx, event(Meta{RequestID: info.ID, Address: info.Address}))
}

// audit completes a record for the audit log; nil when that is off.
func (s *Server) audit(ctx context.Context, record oauth.AuditRecord) *oauth.AuditRecord {
	if !s.config.AuditLog {
		return nil
	}
	info := reqinfo.From(ctx)
	record.RequestID, record.Address, record.Actor = info.ID, info.Address, cmp.Or(record.Actor, info.Actor)
	return &record
}
