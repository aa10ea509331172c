package account

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/pageform"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// shownSession is a session as the page displays it.
type shownSession struct {
	ID, Device, Address string
	SignedIn, Seen      string // in words
	SeenAt              string // as a machine reads it
	Here, Unfinished    bool
}

// notice is the result of a form, above the list.
type notice struct{ done, alert string }

// showSessions lists where the user is signed in.
func (a *Accounts) showSessions(w http.ResponseWriter, r *http.Request) {
	if s := a.signedIn(w, r, a.accountPath(sessionsPath)); s != nil {
		a.renderSessions(w, r, s, http.StatusOK, notice{})
	}
}

const unfinishedElsewhere = "The sign-out is not complete: apps that you allowed there may still have access. Please try again."

// endSessionsForm handles the form: it ends one session or all others.
func (a *Accounts) endSessionsForm(w http.ResponseWriter, r *http.Request) {
	form, err := a.forms.Read(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	s := a.signedIn(w, r, a.accountPath(sessionsPath))
	if s == nil {
		return
	}
	id, others, done := form.Get("session"), form.Get("all") == "others", "That browser is signed out."
	switch {
	case others:
		done = "You are signed out everywhere else."
		err = a.EndOtherSessions(r.Context(), s.user.ID, s.id)
	case id == "":
		a.fail(w, r, fmt.Errorf("%w: it names no session", pageform.ErrForm))
		return
	case id == s.id:
		a.sendOn(w, r, a.prefix+signOutPath)
		return
	default:
		err = a.EndSession(r.Context(), s.user.ID, id)
	}
	if err != nil && !errors.Is(err, oauth.ErrNotFound) { // a session that is gone has ended
		a.renderSessions(w, r, s, a.failed(w, r, err), notice{alert: unfinishedElsewhere})
		return
	}
	info := reqinfo.From(r.Context())
	a.log.InfoContext(r.Context(), "sessions ended", "request_id", info.ID, "address", info.Address, "user", a.ref(s.user.ID), "all_others", others)
	a.renderSessions(w, r, s, http.StatusOK, notice{done: done})
}

func (a *Accounts) renderSessions(w http.ResponseWriter, r *http.Request, s *session, status int, n notice) {
	all, err := a.Sessions(r.Context(), s.user.ID)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := a.accountView(w, r, s, a.accountPath(sessionsPath))
	v.Done, v.Alert = n.done, n.alert
	now, from := time.Now(), a.origin(r)
	v.List = []shownSession{{Device: from.device, Address: from.address, SignedIn: page.Ago(now.Sub(s.authAt)), Here: true}}
	for _, other := range all {
		if other.ID == s.id {
			continue
		}
		v.Others = true
		v.List = append(v.List, shownSession{
			ID: other.ID, Device: other.Device, Address: other.Address, Unfinished: !other.EndedAt.IsZero(),
			SignedIn: page.Ago(now.Sub(other.SignedInAt)), Seen: page.Ago(now.Sub(other.LastSeenAt)), SeenAt: other.LastSeenAt.UTC().Format(time.RFC3339),
		})
	}
	v.Full = len(all) == MaxSessions
	a.render(w, r, status, "sessions", v)
}
