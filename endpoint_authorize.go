package passport

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-passport/passport/oauth"
)

// authorize serves /oauth/authorize (RFC 6749 §3.1): a request of a client, by
// GET or POST, or the answer to a consent page, which is a POST with a ticket, or
// a DELETE with one.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete {
		s.refuseMethod(w, r)
		return
	}
	in, err := readAuthorization(r)
	switch {
	case err != nil:
		s.refuse(w, r, &authorization{}, err)
		return
	case in.isAnswer:
		s.decide(w, r, in.at)
		return
	case r.Method == http.MethodDelete:
		s.refuseMethod(w, r)
		return
	}
	q, err := s.authorizationRequest(r.Context(), in.params, in.at)
	if err != nil {
		s.refuse(w, r, q, err)
		return
	}
	if err := s.checkReader(r); err != nil {
		s.showError(w, r, http.StatusForbidden, clientError(q.client.ID, err))
		return
	}
	if err := s.interact(w, r, q); err != nil {
		s.refuse(w, r, q, clientError(q.client.ID, err))
	}
}

// refuseMethod answers what is neither a request nor the answer to a page.
func (s *Server) refuseMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, POST")
	s.showError(w, r, http.StatusMethodNotAllowed, oauth.InvalidRequest.Errorf("the authorization endpoint takes GET and POST"))
}

// interact answers a checked request: by sending the user to sign in, by a
// consent page, or by a code. An error is for the client.
func (s *Server) interact(w http.ResponseWriter, r *http.Request, q *authorization) error {
	who, err := s.signedIn(r, q)
	switch {
	case err != nil:
		return err
	case who == nil && q.prompts("none"):
		return oauth.LoginRequired.Errorf("nobody is signed in, or has to sign in again")
	case who == nil:
		return s.sendToSignIn(w, r, q)
	}
	granted, err := s.consented(r, q, who)
	if err != nil {
		return err
	}
	if s.needsPage(r, q, who.user, granted) {
		if q.prompts("none") {
			return oauth.ConsentRequired.Errorf("the user has to be asked")
		}
		return s.showConsent(w, r, q, who, granted)
	}
	return s.answerWithoutPage(w, r, q, who)
}

// signedIn returns who is signed in as the request demands, or nil if somebody
// has to sign in first.
func (s *Server) signedIn(r *http.Request, q *authorization) (*account, error) {
	name, provider, err := s.providerOf(q.client)
	if err != nil {
		return nil, err
	}
	who, err := s.currentUser(r, name, provider)
	if who == nil || err != nil {
		return nil, err
	}
	if again, err := q.signInAgain(who.user); err != nil || again {
		return nil, err
	}
	return who, nil
}

func (s *Server) consented(r *http.Request, q *authorization, who *account) ([]string, error) {
	granted, err := s.config.Store.Consented(r.Context(), who.ref, q.client)
	if err != nil {
		return nil, fmt.Errorf("find consent: %w", err)
	}
	return granted, nil
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
	name, provider, err := s.providerOf(q.client)
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
	page := provider.SignInURL(r, returnTo)
	if page == "" {
		return fmt.Errorf("SignInURL of the provider %q returned nothing; return the address of a sign-in page", name)
	}
	if scripted(r) {
		signInForScript(w, page, returnTo)
		return nil
	}
	s.goTo(w, r, page, r.Method == http.MethodPost)
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
	return !q.silent() || len(s.unconsented(q, granted, q.scopes...)) > 0
}
