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
	maxPending  = 8 // pending requests of a browser, in several tabs
)

// session is the session of a browser. The tokens stay on the application's server; the
// browser has only the ID of the session.
type session struct {
	sync.Mutex
	ends    time.Time
	token   string    // of the forms on its pages
	pending []pending // the newest last

	// The result of the last response.
	code, verifier string // used up, kept for the attacker's button
	tokens         *tokens
	who            *identity // of the ID token
	idToken        string    // of the sign-in; a refresh brings another one
	steps          []call
	last           *call // the call of the last button
	ended          bool  // the server refuses the tokens

	screen *screen // of the device; nil while it is off
}

// take removes and returns the pending request of a state.
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

// forget removes the tokens and the calls that got them.
func (s *session) forget() {
	s.code, s.verifier, s.tokens, s.who, s.idToken, s.steps, s.last, s.ended = "", "", nil, nil, "", nil, nil, false
}

// sessions are the sessions of an application, in memory.
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

// makeRoom removes sessions that have ended, and the oldest one if there are too many.
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
