package passport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// authorize serves /oauth/authorize (RFC 6749 §3.1): a request of a client, by
// GET or POST, or the answer to a consent page, which is a POST with a ticket.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		s.showError(w, r, http.StatusMethodNotAllowed, oauth.InvalidRequest.Errorf("the authorization endpoint takes GET and POST"))
		return
	}
	at := now() // before anybody is asked who the user is
	params, err := authorizationParams(r)
	if err != nil {
		s.refuse(w, r, &authorization{}, err)
		return
	}
	if r.Method == http.MethodPost && r.PostForm.Has("ticket") {
		s.decide(w, r, at)
		return
	}
	q, err := s.authorizationRequest(r.Context(), params, at)
	if err != nil {
		s.refuse(w, r, q, err)
		return
	}
	if err := s.interact(w, r, q); err != nil {
		s.refuse(w, r, q, clientError(q.client.ID, err))
	}
}

// interact answers a checked request: by sending the user to sign in, by a
// consent page, or by a code. An error is for the client.
func (s *Server) interact(w http.ResponseWriter, r *http.Request, q *authorization) error {
	ref, user, err := s.currentUser(r, q.client)
	switch {
	case err != nil:
		return err
	case user == nil && q.prompts("none"):
		return oauth.LoginRequired.Errorf("nobody is signed in")
	case user == nil:
		return s.sendToSignIn(w, r, q)
	}
	if again, err := q.signInAgain(user); err != nil {
		return err
	} else if again {
		return s.sendToSignIn(w, r, q)
	}
	granted, err := s.config.Store.Consented(r.Context(), ref, q.client.ID)
	if err != nil {
		return fmt.Errorf("find consent: %w", err)
	}
	if s.needsPage(r, q, user, granted) {
		if q.prompts("none") {
			return oauth.ConsentRequired.Errorf("the user has to be asked")
		}
		return s.showConsent(w, r, q, ref, user, granted)
	}
	return s.answerWithoutPage(w, r, q, ref, user)
}

// currentUser returns who is signed in, or nil for nobody.
func (s *Server) currentUser(r *http.Request, client *oauth.Client) (UserRef, *User, error) {
	name, provider, err := s.providerOf(client)
	if err != nil {
		return UserRef{}, nil, err
	}
	user, err := provider.CurrentUser(r)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return UserRef{}, nil, nil
	case err != nil:
		return UserRef{}, nil, fmt.Errorf("find who is signed in: %w", err)
	case user == nil || user.ID == "":
		return UserRef{}, nil, fmt.Errorf("CurrentUser of the provider %q returned a user without an ID; return oauth.ErrNotFound for nobody", name)
	case len(user.ID) > 255 || checkParameter("ID", []string{user.ID}, false) != nil:
		return UserRef{}, nil, fmt.Errorf("CurrentUser of the provider %q returned an ID that cannot be stored: want UTF-8 without control characters, at most 255 bytes", name)
	}
	return UserRef{Provider: name, ID: user.ID}, user, nil
}

// signInAgain reports whether prompt=login sends the user to sign in. One who
// has come back from there without a newer sign-in is not sent again.
func (q *authorization) signInAgain(user *User) (bool, error) {
	if !q.prompts("login") {
		return false, nil
	}
	if q.asked.IsZero() {
		return true, nil
	}
	if !user.AuthenticatedAt.Before(q.asked) {
		return false, nil
	}
	err := error(oauth.LoginRequired.Errorf("the user did not sign in again"))
	if user.AuthenticatedAt.IsZero() {
		err = fmt.Errorf("prompt=login cannot be satisfied: CurrentUser must fill in AuthenticatedAt: %w", err)
	}
	return false, err
}

// sendToSignIn redirects to the application's sign-in page, which comes back to
// this request with a mark.
func (s *Server) sendToSignIn(w http.ResponseWriter, r *http.Request, q *authorization) error {
	_, provider, err := s.providerOf(q.client)
	if err != nil {
		return err
	}
	q.params.Del(markParam)
	sealed, err := s.newMark(q.params, q.time)
	if err != nil {
		return err
	}
	returnTo := strings.TrimSuffix(s.issuer.Path, "/") + strings.TrimSuffix(s.config.Path, "/") + "/authorize?" +
		q.params.Encode() + "&" + markParam + "=" + sealed
	s.goTo(w, r, provider.SignInURL(r, returnTo), r.Method == http.MethodPost)
	return nil
}

// needsPage reports whether the user has to be asked.
func (s *Server) needsPage(r *http.Request, q *authorization, user *User, granted []string) bool {
	if q.prompts("consent") {
		return true
	}
	if s.config.SkipConsent != nil && (q.silent() || s.config.InsecureSkipNativeConsent) && s.config.SkipConsent(r.Context(), q.client, user) {
		return false
	}
	return !q.silent() || len(granted) == 0 || len(unconsented(q, granted)) > 0
}
