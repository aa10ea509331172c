package tokens

import (
	"context"
	"sync"

	"github.com/go-passport/passport/oauth"
)

// endedSessions are the sessions that [Service.EndSession] has ended with one context.
type endedSessions struct {
	mu    sync.Mutex
	known map[endedSession]bool
}

type endedSession struct {
	user oauth.UserRef
	id   string
}

type endedKey struct{}

// EndingOnce returns a context with which [Service.EndSession] ends a session once: a
// second call does nothing. SignOut of an application may call it, too.
func EndingOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, endedKey{}, &endedSessions{known: map[endedSession]bool{}})
}

// endedWith returns the sessions of a context; nil without [EndingOnce].
func endedWith(ctx context.Context) *endedSessions {
	s, _ := ctx.Value(endedKey{}).(*endedSessions)
	return s
}

func (s *endedSessions) has(user oauth.UserRef, id string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[endedSession{user, id}]
}

func (s *endedSessions) add(user oauth.UserRef, id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[endedSession{user, id}] = true
}
