package testkit

import (
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// WithAudit enables the audit log.
func WithAudit(c *passport.Config) { c.AuditLog = true }

// Audited returns an iterator over the audit log.
func (s *Server) Audited() func(yield func(*oauth.AuditRecord) bool) {
	s.T.Helper()
	log, ok := oauth.StoreAs[oauth.AuditStore](s.Store)
	if !ok {
		s.T.Fatal("the store has no audit log")
	}
	return func(yield func(*oauth.AuditRecord) bool) {
		for record, err := range log.AuditLog(s.T.Context(), time.Time{}) {
			if err != nil {
				s.T.Fatal(err)
			}
			if !yield(record) {
				return
			}
		}
	}
}

// WantAudit fails the test unless the audit log has exactly this many records
// of an action.
func (s *Server) WantAudit(action string, want int) {
	s.T.Helper()
	got := 0
	for record := range s.Audited() {
		if record.Action == action {
			got++
		}
	}
	if got != want {
		s.T.Errorf("the audit log has %d records of %q, want %d", got, action, want)
	}
}

// Issued returns how many codes were issued, from the audit log.
func (s *Server) Issued() (n int) {
	log, ok := oauth.StoreAs[oauth.AuditStore](s.Store)
	if !ok {
		s.T.Fatal("the store has no audit log")
	}
	for record, err := range log.AuditLog(s.T.Context(), time.Time{}) {
		if err != nil {
			s.T.Fatal(err)
		}
		if record.Action == "code.issued" {
			n++
		}
	}
	return n
}

// TokensIssued returns how many access tokens were stored, by the audit log.
func (s *Server) TokensIssued() (n int) {
	for record := range s.Audited() {
		if record.Action == "token.issued" {
			n++
		}
	}
	return n
}
