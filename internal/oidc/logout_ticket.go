package oidc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/oauth"
)

// logoutTTL is how long a confirmation page waits for the user.
const logoutTTL = 10 * time.Minute

// logoutSeals seals requests, so that a browser can bring them back unchanged.
type logoutSeals struct{ keys *keyring.Live }

// The purposes of sealed values: a repeated request must not count as a confirmation.
const (
	confirmPurpose = "logout ticket"
	repeatPurpose  = "logout request"
)

// logoutTicket is the token in the form of the confirmation page. It is bound to the
// request and to the sessions that the page showed, so another site can't make one for
// this browser, and a decision never counts for another session.
type logoutTicket struct {
	Asked      *askedLogout     `json:"asked"`
	Sessions   []browserSession `json:"sessions"`
	Unfinished bool             `json:"unfinished,omitempty"` // a sign-out that failed halfway
	Expires    int64            `json:"expires"`              // in Unix seconds
}

// seal seals a ticket. It contains texts and numbers alone, which JSON can always encode.
func (s logoutSeals) seal(purpose string, t logoutTicket, at time.Time) string {
	t.Expires = at.Add(logoutTTL).Unix()
	plain, _ := json.Marshal(t)
	return s.keys.Roots().Seal(purpose, plain)
}

// open returns nil for a value that this server has not sealed, or that has expired.
func (s logoutSeals) open(purpose, sealed string, at time.Time) *logoutTicket {
	plain, _, err := s.keys.Roots().Open(purpose, sealed)
	if err != nil {
		return nil
	}
	t := new(logoutTicket)
	if json.Unmarshal(plain, t) != nil || t.Asked == nil || at.Unix() >= t.Expires {
		return nil
	}
	if t.Asked.Problem != "" {
		t.Asked.problem = oauth.InvalidRequest.Errorf("%s", t.Asked.Problem)
	}
	return t
}

// resumed returns the request that [logout.repeat] sealed; nil without one.
func (s logoutSeals) resumed(query url.Values, at time.Time) *askedLogout {
	if len(query[againParam]) != 1 {
		return nil
	}
	t := s.open(repeatPurpose, query.Get(againParam), at)
	if t == nil {
		return nil
	}
	return t.Asked
}

// of reports whether the ticket was made for these sessions. After a sign-out that failed
// halfway, the browser may have lost some of them.
func (t *logoutTicket) of(sessions []browserSession) bool {
	if t != nil && t.Unfinished {
		return !slices.ContainsFunc(sessions, func(s browserSession) bool { return !slices.ContainsFunc(t.Sessions, s.same) })
	}
	return t != nil && slices.EqualFunc(t.Sessions, sessions, browserSession.same)
}

// confirmed returns the outcome of the confirmation page's form.
func (l *logout) confirmed(r *http.Request, at time.Time) logoutOutcome {
	t := l.seals.open(confirmPurpose, r.PostForm.Get(ticketParam), at)
	asked := new(askedLogout)
	if t != nil {
		asked = t.Asked
	}
	q, err := l.request(r, asked)
	if err != nil {
		return logoutFailed(err)
	}
	foreign := l.forms.CheckForm(r, func() bool { return len(q.sessions) > 0 && t.of(q.sessions) })
	switch {
	case len(q.sessions) == 0 && t != nil && t.Unfinished && foreign == nil:
		o := l.done(q, true)
		o.ends = t.Sessions
		return o
	case len(q.sessions) == 0: // a second click
		return l.done(q, foreign == nil && t != nil)
	case foreign != nil:
		return logoutRefused(http.StatusForbidden, fmt.Errorf("%w: %w", foreign, oauth.AccessDenied.Errorf("the confirmation was sent by another site")))
	case !q.endable:
		return l.stays(q)
	case t == nil:
		return l.ask(q, at, "This page has expired. You are still signed in.")
	case !t.of(q.sessions):
		return l.ask(q, at, "The account in this browser has changed. You are still signed in.")
	}
	o := l.done(q, true)
	o.ends = t.Sessions
	return o
}
