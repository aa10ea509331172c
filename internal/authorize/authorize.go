package authorize

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// ServeHTTP serves /oauth/authorize (RFC 6749 §3.1). It accepts an authorization
// request by GET or POST, and the decision on a consent page. A decision is a POST
// or DELETE with a ticket, or a POST to a sign-in's return address with decision=deny.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := e.outcome(r)
	if failed, ok := o.(errorOutcome); ok {
		o = e.homePage(r, failed)
	}
	e.write(w, r, o)
}

func (e *Endpoint) outcome(r *http.Request) outcome {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete {
		return refused(http.StatusMethodNotAllowed, errMethod)
	}
	in, err := readAuthorization(r, known)
	switch {
	case err != nil:
		return e.refuse(&request{path: e.Path}, err)
	case in.isDecision:
		return e.decide(r, e.Path, in.at, func(params url.Values) (*request, error) {
			return e.authorizationRequest(r.Context(), params, in.at)
		})
	case r.Method == http.MethodDelete:
		return refused(http.StatusMethodNotAllowed, errMethod)
	}
	if err := e.resume(r.Context(), &in); err != nil {
		return e.refuse(&request{path: e.Path, params: in.params, sealed: in.sealed}, err)
	}
	q, err := e.authorizationRequest(r.Context(), in.params, in.at)
	q.asked, q.sealed = in.asked, in.sealed
	if in.returned { // perhaps from the form of a sign-in page
		q.from = fromOtherForm
	}
	if err != nil {
		return e.refuse(q, err)
	}
	if err := e.checkReader(r); err != nil {
		return refused(http.StatusForbidden, clients.Named(q.client.ID, err))
	}
	if in.declines && in.sealed {
		return e.orRefuse(q)(e.declineSignIn(r, q))
	}
	return e.orRefuse(q)(e.respondTo(r, q))
}

// errMethod is the error for a DELETE without a ticket and for any other method.
var errMethod = oauth.InvalidRequest.Errorf("the authorization endpoint accepts only GET and POST")

// orRefuse returns the outcome of a request, or the outcome of its error.
func (e *Endpoint) orRefuse(q *request) func(outcome, error) outcome {
	return func(o outcome, err error) outcome {
		if err != nil {
			return e.refuse(q, clients.Named(q.client.ID, err))
		}
		return o
	}
}

// respondTo responds to a checked request. It sends the user to sign in, shows a
// consent page, or issues a code or token. The endpoint reports an error to the
// client.
func (e *Endpoint) respondTo(r *http.Request, q *request) (outcome, error) {
	account, err := e.signedIn(r, q)
	switch {
	case err != nil:
		return nil, err
	case account == nil && e.repeats(r):
		return e.repeat(r, q)
	case account == nil && q.prompts("none"):
		return e.withoutPage(r, q, oauth.LoginRequired.Errorf("no user is signed in, or the user must sign in again"))
	case account == nil:
		return e.sendToSignIn(r, q)
	}
	m, err := e.remembered(r.Context(), account, q.client)
	switch {
	case err != nil:
		return nil, err
	case !e.needsPage(r, q, account.User, m):
		params, err := e.conclude(r.Context(), q, account, nil, decision{scopes: e.remaining(q, m)})
		return e.respond(q, params...), err
	case q.prompts("none"):
		return e.withoutPage(r, q, oauth.ConsentRequired.Errorf("the user must be asked for consent"))
	}
	if o, err := e.reloaded(r, q, account); o != nil || err != nil {
		return o, err
	}
	return e.showConsent(r, q, account, m)
}

// signedIn returns the signed-in account if it satisfies the request, or nil if the
// user has to sign in first.
func (e *Endpoint) signedIn(r *http.Request, q *request) (*users.Account, error) {
	name, _, err := e.Users.Of(q.client)
	if err != nil {
		return nil, err
	}
	account, err := e.Users.Current(r, name)
	if account == nil || err != nil {
		return nil, err
	}
	if end := account.User.SessionExpiresAt; !end.IsZero() && !q.time.Before(end) {
		return nil, nil // between the provider's check and ours
	}
	if again, err := q.signInAgain(account); err != nil || again {
		return nil, err
	}
	if err := q.checkSession(account); err != nil {
		return nil, err
	}
	return account, e.dropOffline(r, q, account)
}

// signInAgain reports whether a signed-in user must be sent to the sign-in page: for
// prompt=login or max_age, to choose an account, or because the client expects another
// user. A user who returns from there has selected an account, and a sign-in that is
// newer than the request is recent enough. If the page returns with the same sign-in,
// the error is login_required: another redirect would be a loop.
func (q *request) signInAgain(account *users.Account) (bool, error) {
	user, returned := account.User, !q.asked.IsZero()
	var fault error
	switch recent := returned && !user.AuthenticatedAt.Before(q.asked); {
	case !q.expects(account):
		q.openID.otherUser = true
		fault = oauth.LoginRequired.Errorf("another user is signed in than the user of id_token_hint")
	case !recent && q.prompts("login"):
		fault = notRecent(user, "prompt=login")
	case !recent && q.tooOld(user):
		q.openID.again = true
		fault = notRecent(user, "max_age")
	case q.outlived(user):
		q.openID.again = true
		return true, nil
	default:
		return !returned && q.prompts("select_account"), nil
	}
	if !returned {
		return true, nil
	}
	return false, fault
}

// notRecent returns the error for a user who returns from the sign-in page with the sign-in
// from before. what requires a new one.
func notRecent(user *oauth.User, what string) error {
	err := error(oauth.LoginRequired.Errorf("the user did not sign in again"))
	if user.AuthenticatedAt.IsZero() {
		err = fmt.Errorf("%s cannot be satisfied: CurrentUser must fill in AuthenticatedAt: %w", what, err)
	}
	return err
}

// needsPage reports whether the user must see the page. At a loopback port that is not
// registered, any program on the device may listen, so the user always sees the page. A
// user must always check which device asks (RFC 8628 §5.4). Nothing grants a scope that
// includes a declined one without the page.
func (e *Endpoint) needsPage(r *http.Request, q *request, user *oauth.User, m memory) bool {
	if q.prompts("consent") || q.otherPort || q.device != nil {
		return true
	}
	scopes := e.remaining(q, m)
	if e.skips(r, q, user) {
		return m.includesDeclined(q.resources, scopes)
	}
	return !q.mayRespondWithoutPage() || len(m.missing(q.resources, scopes...)) > 0
}

// skips reports whether SkipConsent stands for the consent of a user.
func (e *Endpoint) skips(r *http.Request, q *request, user *oauth.User) bool {
	return e.SkipConsent != nil && (q.mayRespondWithoutPage() || e.SkipNativeConsent) && e.SkipConsent(r.Context(), q.client, user)
}
