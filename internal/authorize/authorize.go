package passport

import (
	"fmt"
	"net/http"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// authorize serves /oauth/authorize (RFC 6749 §3.1): a request of a client, by
// GET or POST, or the decision on a consent page, which is a POST with a ticket, or
// a DELETE with one.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, s.outcome(r))
}

func (s *Server) outcome(r *http.Request) outcome {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete {
		return refused(http.StatusMethodNotAllowed, errMethod)
	}
	in, err := readAuthorization(r)
	switch {
	case err != nil:
		return s.refuse(&authorization{}, err)
	case in.isAnswer:
		return s.decide(r, in.at)
	case r.Method == http.MethodDelete:
		return refused(http.StatusMethodNotAllowed, errMethod)
	}
	q, err := s.authorizationRequest(r.Context(), in.params, in.at)
	if err != nil {
		return s.refuse(q, err)
	}
	if err := s.checkReader(r); err != nil {
		return refused(http.StatusForbidden, clientError(q.client.ID, err))
	}
	return s.orRefuse(q)(s.respondTo(r, q))
}

// errMethod is for what is neither a request nor a decision.
var errMethod = oauth.InvalidRequest.Errorf("the authorization endpoint takes GET and POST")

// orRefuse returns the outcome of a request, or that of its error.
func (s *Server) orRefuse(q *authorization) func(outcome, error) outcome {
	return func(o outcome, err error) outcome {
		if err != nil {
			return s.refuse(q, clientError(q.client.ID, err))
		}
		return o
	}
}

// respondTo responds to a checked request: by sending the user to sign in, by a
// consent page, or by a code. An error is for the client.
func (s *Server) respondTo(r *http.Request, q *authorization) (outcome, error) {
	who, err := s.signedIn(r, q)
	switch {
	case err != nil:
		return nil, err
	case who == nil && q.prompts("none"):
		return nil, oauth.LoginRequired.Errorf("nobody is signed in, or has to sign in again")
	case who == nil:
		return s.sendToSignIn(r, q)
	}
	granted, err := s.consented(r, q, who)
	switch {
	case err != nil:
		return nil, err
	case !s.needsPage(r, q, who.User, granted):
		params, err := s.conclude(r.Context(), q, who, nil, nil)
		return s.respond(q, params...), err
	case q.prompts("none"):
		return nil, oauth.ConsentRequired.Errorf("the user has to be asked")
	}
	return s.showConsent(r, q, who, granted)
}

// signedIn returns who is signed in as the request demands, or nil if somebody
// has to sign in first.
func (s *Server) signedIn(r *http.Request, q *authorization) (*users.Account, error) {
	name, _, err := s.users.Of(q.client)
	if err != nil {
		return nil, err
	}
	who, err := s.users.Current(r, name)
	if who == nil || err != nil {
		return nil, err
	}
	if again, err := q.signInAgain(who.User); err != nil || again {
		return nil, err
	}
	return who, nil
}

func (s *Server) consented(r *http.Request, q *authorization, who *users.Account) ([]string, error) {
	granted, err := s.config.Store.Consented(r.Context(), who.Ref, q.client)
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

// sendToSignIn sends the user to the application's sign-in page, which comes back to
// this request with a mark.
func (s *Server) sendToSignIn(r *http.Request, q *authorization) (outcome, error) {
	name, provider, err := s.users.Of(q.client)
	if err != nil {
		return nil, err
	}
	q.params.Del(markParam)
	sealed, err := s.newMark(q.params, q.time)
	if err != nil {
		return nil, err
	}
	o := signInOutcome{returnTo: s.authorizePath() + "?" + q.params.Encode() + "&" + markParam + "=" + sealed}
	if r.Method == http.MethodPost {
		o.from = fromOurForm
	}
	if o.target = provider.SignInURL(r, o.returnTo); o.target == "" {
		return nil, fmt.Errorf("SignInURL of the provider %q returned nothing; return the address of a sign-in page", name)
	}
	return o, nil
}

func (s *Server) authorizePath() string { return s.base() + "/authorize" }

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
