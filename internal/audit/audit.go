// Package audit combines every change of the server in one call: the write, the
// audit record that is stored with it, and the events that follow.
package audit

import (
	"cmp"
	"context"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// Log records changes and publishes their events.
type Log struct {
	Enabled bool                               // whether records are stored
	OnEvent func(context.Context, event.Event) // required
}

// Change makes one change. write gets the completed record, or nil if the audit log
// is off. If write fails, no event is published. write returns nil if the change was
// already made.
func (l Log) Change(ctx context.Context, record oauth.AuditRecord, write func(*oauth.AuditRecord) error, events ...event.Event) error {
	if err := write(l.complete(ctx, record)); err != nil {
		return err
	}
	l.publish(ctx, events)
	return nil
}

// Changes is [Log.Change] for a write that decides which of several changes happen.
// write gets a record for each change, and returns the events of the changes that
// happened.
func (l Log) Changes(ctx context.Context, records []oauth.AuditRecord, write func([]*oauth.AuditRecord) ([]event.Event, error)) error {
	completed := make([]*oauth.AuditRecord, len(records))
	for i, record := range records {
		completed[i] = l.complete(ctx, record)
	}
	events, err := write(completed)
	if err != nil {
		return err
	}
	l.publish(ctx, events)
	return nil
}

func (l Log) publish(ctx context.Context, events []event.Event) {
	for _, e := range events {
		l.OnEvent(ctx, e)
	}
}

// complete adds the request's data to a record. It returns nil if the log is off.
func (l Log) complete(ctx context.Context, record oauth.AuditRecord) *oauth.AuditRecord {
	if !l.Enabled {
		return nil
	}
	info := reqinfo.From(ctx)
	completed := record // only the copy is on the heap
	completed.RequestID, completed.Address, completed.Actor = info.ID, info.Address, cmp.Or(record.Actor, info.Actor)
	return &completed
}

// Meta returns the request's data for its events.
func Meta(ctx context.Context) event.Meta {
	info := reqinfo.From(ctx)
	return event.Meta{RequestID: info.ID, Address: info.Address}
}
