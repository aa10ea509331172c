package authorize

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// A browser stays on the consent page when it opens an app of the device, and shows
// nothing if no app opens. So a second click and a reload show a page that says that the
// user is done, with a link that sends the same response again.

// doneOutcome repeats the response to an app of the device. A script gets the redirect.
type doneOutcome struct{ redirectOutcome }

func (o doneOutcome) html(p views.Page) htmlReply {
	return htmlReply{status: http.StatusOK, view: page.View{Name: "decided", Data: views.DecidedPage{
		Page: p, Done: true, What: "The app has your response.", Href: page.Href(o.target), Host: redirect.Host(o.target),
	}}}
}

// repeated returns the outcome of a decision that repeats the first one.
func repeated(o redirectOutcome) outcome {
	if redirect.PrivateUse(o.target) {
		return doneOutcome{o}
	}
	return o
}

// decided is a decision that the browser remembers for a reload, in a sealed cookie. It
// has no code: the server derives it from the ticket.
type decided struct {
	Ticket  string       `json:"ticket"`
	Allowed bool         `json:"allowed"`
	User    oauth.Digest `json:"user"`
	Request oauth.Digest `json:"request"`
	Until   int64        `json:"until"` // Unix seconds
}

func (d decided) matches(q *request, user oauth.UserRef) bool {
	return d.User.Matches(nameOf(user)) && d.Request.Matches(q.params.Encode()) && q.time.Unix() < d.Until
}

func nameOf(user oauth.UserRef) string { return user.Provider + ":" + user.ID }

// remembered returns the cookies after a decision: that of the ticket, and for an app of
// the device the decision.
func (s tickets) remembered(r *http.Request, q *request, t *ticket, user oauth.UserRef, allowed bool) ([]*http.Cookie, error) {
	cookies := s.shortened(r, t)
	if !redirect.PrivateUse(q.redirectURI) || q.responder != nil {
		return cookies, nil
	}
	plain, err := json.Marshal(decided{t.ID, allowed, oauth.DigestOf(nameOf(user)), oauth.DigestOf(q.params.Encode()), q.time.Add(s.decidedTTL).Unix()})
	if err != nil {
		return nil, fmt.Errorf("encode the decision: %w", err)
	}
	return append(cookies, s.names.New(s.names.Host("decided"), s.keys.Roots().Seal("decision", plain), int(s.decidedTTL/time.Second))), nil
}

// remembers returns the decision of a request that this browser has just sent, and its
// ticket; nil if there is none.
func (s tickets) remembers(r *http.Request, q *request, user oauth.UserRef) (*decided, *ticket) {
	c, err := r.Cookie(s.names.Host("decided"))
	if err != nil || r.Method != http.MethodGet || scripted(r) || !redirect.PrivateUse(q.redirectURI) || q.responder != nil {
		return nil, nil
	}
	plain, root, err := s.keys.Roots().Open("decision", c.Value)
	if err != nil {
		return nil, nil
	}
	d := new(decided)
	if err := json.Unmarshal(plain, d); err != nil || !d.matches(q, user) {
		return nil, nil
	}
	return d, &ticket{ID: d.Ticket, root: root}
}

// reloaded returns the outcome of a consent page that is reloaded after the decision. It
// is nil if the user has to be asked: without a decision, or once its code is spent.
func (e *Endpoint) reloaded(r *http.Request, q *request, account *users.Account) (outcome, error) {
	d, t := e.tickets.remembers(r, q, account.Ref)
	if d == nil {
		return nil, nil
	}
	if !d.Allowed {
		o := e.refuseClient(q, errDeclined)
		o.err = nil // logged with the decision
		return doneOutcome{o}, nil
	}
	code, err := e.Tokens.Code(r.Context(), oauth.DigestOf(t.code()))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find code: %w", err)
	case !code.SpentAt.IsZero() || !q.time.Before(code.ExpiresAt) || !code.Family.Live(q.time):
		return nil, nil
	}
	return doneOutcome{e.respond(q, redirect.Param{Name: "code", Value: t.code()})}, nil
}
