package testkit

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/go-passport/passport"
)

// events collects the published events.
type events struct {
	Mu  sync.Mutex
	All []passport.Event
}

// EventsOf returns the events of one type so far.
func EventsOf[E passport.Event](s *Server) (found []E) {
	s.Events.Mu.Lock()
	defer s.Events.Mu.Unlock()
	for _, event := range s.Events.All {
		if e, ok := event.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

func (e *events) add(_ context.Context, event passport.Event) {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	e.All = append(e.All, event)
}

// Names returns the types and details of the events since an index.
func (e *events) Names(since int) (names []string) {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	for _, event := range e.All[since:] {
		name := strings.TrimPrefix(fmt.Sprintf("%T", event), "event.")
		switch e := event.(type) {
		case passport.AccessTokenIssued:
			name += " " + e.GrantType
		case passport.Replayed:
			name += " " + string(e.What)
		case passport.ClientChanged:
			name += " " + e.What
		case passport.Revoked:
			name += " " + e.Reason
		}
		names = append(names, name)
	}
	return names
}

// Len returns the number of events.
func (e *events) Len() int {
	e.Mu.Lock()
	defer e.Mu.Unlock()
	return len(e.All)
}
