package demo

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	sessionLife = time.Hour
	maxSessions = 500
	maxPending  = 8 // tabs in which the user may be on the way at once
)

// session is what the application remembers of one browser. Tokens stay on the
// application's server; the browser has only the session's name.
type session struct {
	sync.Mutex
	ends    time.Time
	token   string    // of the forms on its pages
	pending []pending // the newest last

	// What came of the last request that was answered.
	code, verifier string // used up, kept for the thief's button
	tokens         *tokens
	user           *profile
	steps          []call
	last           *call // what the last button did
	ended          bool  // the server refuses the tokens
}

// take returns the pending request of a state, once.
func (s *session) take(state string) (pending, bool) {
	for i, p := range s.pending {
		if p.State == state {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return p, true
		}
	}
	return pending{}, false
}

func (s *session) add(p pending) {
	s.pending = append(s.pending, p)
	if len(s.pending) > maxPending {
		s.pending = s.pending[1:]
	}
}

// forget drops the tokens and what is known of how they came.
func (s *session) forget() {
	s.code, s.verifier, s.tokens, s.user, s.steps, s.last, s.ended = "", "", nil, nil, nil, nil, false
}

// sessions holds the sessions of an application in memory.
type sessions struct {
	cookie string // its name
	mu     sync.Mutex
	all    map[string]*session
}

// of returns the browser's session, or nil.
func (s *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(s.cookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[cookie.Value]
	if found == nil || time.Now().After(found.ends) {
		return nil
	}
	return found
}

// start returns the browser's session, a new one if it has none.
func (s *sessions) start(w http.ResponseWriter, r *http.Request) *session {
	if found := s.of(r); found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom()
	id := rand.Text()
	s.all[id] = &session{ends: time.Now().Add(sessionLife), token: rand.Text()}
	// No Secure and no __Host-: the tour is plain http on loopback.
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie, Value: id, Path: "/demo", MaxAge: int(sessionLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return s.all[id]
}

// makeRoom drops what has ended, and the oldest when there are too many.
func (s *sessions) makeRoom() {
	oldest := ""
	for id, session := range s.all {
		if time.Now().After(session.ends) {
			delete(s.all, id)
			continue
		}
		if oldest == "" || session.ends.Before(s.all[oldest].ends) {
			oldest = id
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
}
