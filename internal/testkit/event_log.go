package testkit

import (
	"fmt"
	"strings"

	"github.com/go-passport/passport"
)

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
