package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// askedLogout is what a client asks for. It is sealed in the confirmation page, without
// the ID token itself.
type askedLogout struct {
	Hint     *idtoken.Hint `json:"hint,omitempty"` // of a valid id_token_hint; nil without one
	ClientID string        `json:"client,omitempty"`
	URI      string        `json:"uri,omitempty"`
	State    string        `json:"state,omitempty"`
	Problem  string        `json:"problem,omitempty"` // why the request is void; see problem

	problem error // for the log
}

// void returns a request that names no client, because it has a fault. The user can still
// sign out. The browser goes nowhere afterwards.
func void(err error) *askedLogout {
	return &askedLogout{Problem: oauth.AsError(err).Description, problem: err}
}

// read reads the parameters of a client.
func (l *logout) read(params url.Values) *askedLogout {
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if err := wire.CheckParameter(name, params[name], false); err != nil {
			return void(err)
		}
	}
	asked := &askedLogout{ClientID: params.Get("client_id"), URI: params.Get("post_logout_redirect_uri"), State: params.Get("state")}
	if raw := params.Get("id_token_hint"); raw != "" {
		hint, err := l.idTokens.Hint(raw)
		if err != nil {
			return void(fmt.Errorf("id_token_hint: %w: %w", err, oauth.InvalidRequest.Errorf("id_token_hint is not an ID token of this server")))
		}
		if asked.ClientID != "" && asked.ClientID != hint.ClientID {
			return void(fmt.Errorf("client_id is %q, and id_token_hint is for %q: %w", reqinfo.Bounded(asked.ClientID), reqinfo.Bounded(hint.ClientID),
				oauth.InvalidRequest.Errorf("id_token_hint was not issued to the app with this client_id")))
		}
		asked.Hint, asked.ClientID = hint, hint.ClientID
	}
	return asked
}

// logoutRequest is a request that has been checked, with the sessions that it can end.
type logoutRequest struct {
	*askedLogout
	client   *oauth.Client // nil if the request names none
	target   string        // where the browser goes afterwards, if the client is proven; empty for the page
	sessions []browserSession
	endable  bool // the providers of the sessions can end them
}

// browserSession is a user who is signed in to the browser. ID is empty if the provider
// has no IDs of sessions.
type browserSession struct {
	Provider string `json:"provider"`
	User     string `json:"user"`
	ID       string `json:"session,omitempty"`

	shown *oauth.User
}

func (s browserSession) ref() oauth.UserRef { return oauth.UserRef{Provider: s.Provider, ID: s.User} }

func (s browserSession) same(other browserSession) bool {
	s.shown, other.shown = nil, nil
	return s == other
}

// request checks a request, and finds the sessions of the browser. Its error is a fault
// of the server: a mistake of the client makes the request void.
func (l *logout) request(r *http.Request, asked *askedLogout) (*logoutRequest, error) {
	q := &logoutRequest{askedLogout: asked}
	if err := l.findClient(r.Context(), q); err != nil {
		if oauth.AsError(err).Code.Status() >= http.StatusInternalServerError {
			return nil, err
		}
		q.askedLogout, q.client = void(err), nil
	}
	if q.URI != "" && q.problem == nil {
		if err := l.findTarget(q); err != nil {
			q.problem, q.Problem = clients.Named(q.ClientID, err), oauth.AsError(err).Description
		}
	}
	return q, l.findSessions(r, q)
}

func (l *logout) findClient(ctx context.Context, q *logoutRequest) error {
	if q.ClientID == "" {
		return nil
	}
	client, err := l.clients.Client(ctx, q.ClientID)
	unknown := oauth.InvalidRequest.Errorf("there is no app with this client_id")
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return fmt.Errorf("client %q: %w", reqinfo.Bounded(q.ClientID), unknown)
	case err != nil:
		return fmt.Errorf("find client: %w", err)
	case !client.Active():
		return fmt.Errorf("client %.100q is revoked or suspended: %w", q.ClientID, unknown)
	}
	if _, _, err := l.users.Of(client); err != nil {
		return err
	}
	q.client = client
	return nil
}

// findTarget sets the target of the redirect, if the sent URI is registered byte for byte.
// It refuses a registered URI that is invalid today, as the authorization endpoint does.
func (l *logout) findTarget(q *logoutRequest) error {
	if q.client == nil {
		return oauth.InvalidRequest.Errorf("post_logout_redirect_uri needs id_token_hint or client_id")
	}
	var registered []string
	if q.client.OpenID != nil {
		registered = q.client.OpenID.PostLogoutRedirectURIs
	}
	unregistered := oauth.InvalidRequest.Errorf("post_logout_redirect_uri is not registered for this app")
	if !slices.Contains(registered, q.URI) {
		how := "none is registered"
		if len(registered) > 0 {
			how = nearest.URI(q.URI, registered)
		}
		return fmt.Errorf("post_logout_redirect_uri %q is not registered; it is compared byte by byte; %s: %w", nearest.Shown(q.URI), how, unregistered)
	}
	if err := l.policy.CheckRedirectURI(q.URI); err != nil {
		return fmt.Errorf("post_logout_redirect_uri %q is registered, but it %w; register another: %w", nearest.Shown(q.URI), err, unregistered)
	}
	q.target = redirect.AddParams(q.URI, redirect.Param{Name: "state", Value: q.State})
	return nil
}

// findSessions finds the users who are signed in: with the client's provider, or without
// a client with any provider that can end its sessions.
func (l *logout) findSessions(r *http.Request, q *logoutRequest) error {
	names := l.users.Names()
	if q.client != nil {
		names = []string{cmp.Or(q.client.Provider, oauth.DefaultProvider)}
	}
	for _, name := range names {
		_, can := l.users.SignOuter(name)
		if !can && q.client == nil {
			continue
		}
		account, err := l.users.Current(r, name)
		if err != nil {
			return err
		}
		if account != nil {
			q.sessions, q.endable = append(q.sessions, browserSession{name, account.Ref.ID, account.User.SessionID, account.User}), can
		}
	}
	return nil
}

// ofSession reports whether the hint is of the session that the browser has: then the
// user asked for it at the client. A hint of another user or session must not end this one
// without a question (OpenID Connect RP-Initiated Logout §2).
func (l *logout) ofSession(ctx context.Context, q *logoutRequest) (bool, error) {
	if q.Hint == nil || len(q.sessions) != 1 {
		return false, nil
	}
	s := q.sessions[0]
	if q.otherUser() {
		return false, nil
	}
	if q.Hint.SID == "" {
		return s.ID == "", nil // else it is of a device, for example
	}
	sid, err := l.tokens.SID(ctx, s.ref(), s.ID, q.Hint.ClientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return sid == q.Hint.SID, nil
}

// otherUser reports whether the hint is of another user than the one who is signed in.
func (q *logoutRequest) otherUser() bool {
	return q.Hint != nil && len(q.sessions) == 1 && q.Hint.Subject != oauth.ForUser(q.sessions[0].ref()).Claim("")
}
