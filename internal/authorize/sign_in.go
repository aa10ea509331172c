package authorize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// signInParam is the only parameter of the sign-in page's return address. Its value
// is the whole request, sealed, or the handle of a stored request.
const signInParam = "passport_sign_in"

// SignInTTL is how long a new sign-in counts for the request that asked for it.
const SignInTTL = time.Hour

// pendingTTL is how long a stored request is kept. A user who takes longer to sign in
// has to start again.
const pendingTTL = 4 * SignInTTL

// maxSealed is the maximum length of a request that travels in the return address
// itself. A longer one is stored.
const maxSealed = 2 << 10

// maxPending is the maximum number of stored requests of one client. Above it, a
// request travels in the return address, regardless of its length.
//
// Requests are stored before the user signs in, so an attacker can reach the limit.
// Only the first longPending requests are kept for pendingTTL. Above that number, only
// requests that don't fit into the return address are stored, for shortPendingTTL.
const (
	longPending     = 500
	maxPending      = 1000
	shortPendingTTL = 10 * time.Minute
)

// maxInURL is the maximum length of a sealed request in the return address, unless
// maxPending is reached. nginx accepts a request line of 8 KiB (large_client_header_buffers).
const maxInURL = 7 << 10

// private has the parameters that must not appear in a URL or a proxy's log.
var private = []string{"claims", "id_token_hint", "login_hint"}

// pendingSignIn is a request that waits for its user to sign in.
type pendingSignIn struct {
	params url.Values
	asked  time.Time // when the browser was sent to sign in; zero if it was not
}

// sealSignIn seals a pendingSignIn. The result is base64url, which needs no escaping
// inside another URL.
func (s tickets) sealSignIn(p pendingSignIn) string {
	return s.keys.Roots().Seal("sign-in request", []byte(strconv.FormatInt(p.asked.Unix(), 10)+" "+p.params.Encode()))
}

// openSignIn opens a pendingSignIn. It returns nil if the value was not sealed by this
// server. asked is zero if the browser was sent to sign in more than SignInTTL ago.
func (s tickets) openSignIn(sealed string, at time.Time) *pendingSignIn {
	plain, _, err := s.keys.Roots().Open("sign-in request", sealed)
	if err != nil {
		return nil
	}
	seconds, query, _ := strings.Cut(string(plain), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil
	}
	p := pendingSignIn{}
	if p.params, err = url.ParseQuery(query); err != nil {
		return nil
	}
	if asked := time.Unix(unix, 0); at.Before(asked.Add(SignInTTL)) {
		p.asked = asked
	}
	return &p
}

// sendToSignIn sends the user to the application's sign-in page.
func (e *Endpoint) sendToSignIn(r *http.Request, q *request) (outcome, error) {
	name, provider, err := e.Users.Of(q.client)
	if err != nil {
		return nil, err
	}
	returnTo, err := e.returnAddress(r.Context(), q, q.time)
	if err != nil {
		return nil, err
	}
	o := signInOutcome{returnTo: returnTo, again: r.Method == http.MethodGet && !q.asked.IsZero()}
	if r.Method == http.MethodPost {
		o.from = fromOurForm
	}
	if o.target = provider.SignInURL(r.WithContext(oauth.WithSignInRequest(r.Context(), q.signInRequest())), o.returnTo); o.target == "" {
		return nil, fmt.Errorf("SignInURL of the provider %q returned nothing; return the address of a sign-in page", name)
	}
	return o, nil
}

// signInRequest returns why the user is sent to sign in.
func (q *request) signInRequest() oauth.SignInRequest {
	why := oauth.SignInRequest{
		Again: q.prompts("login"), SelectAccount: q.prompts("select_account"), Client: q.client,
		LoginHint: q.params.Get("login_hint"), UILocales: append([]string(nil), strings.Fields(q.params.Get("ui_locales"))...),
	}
	if a := q.openID; a != nil {
		why.Again = why.Again || a.again || a.maxAge == 0
		why.MaxAge = max(0, a.maxAge)
		why.OtherUser, why.ACRValues = a.otherUser, append([]string(nil), strings.Fields(q.params.Get("acr_values"))...)
	}
	return why
}

// SignInRequest returns why a browser was sent to sign in, from its return address. It
// returns [oauth.ErrNotFound] if that is not the address of a request that can go on.
func (e *Endpoint) SignInRequest(ctx context.Context, returnTo string) (*oauth.SignInRequest, error) {
	return e.signInRequestAt(ctx, e.Path, returnTo, func(params url.Values, at time.Time) (*request, error) {
		return e.authorizationRequest(ctx, params, at)
	})
}

// signInRequestAt is SignInRequest for the endpoint at path, whose requests parse checks.
func (e *Endpoint) signInRequestAt(ctx context.Context, path, returnTo string, parse func(url.Values, time.Time) (*request, error)) (*oauth.SignInRequest, error) {
	sealed, ok := strings.CutPrefix(returnTo, path+"?"+signInParam+"=")
	if !ok || strings.Trim(sealed, base64URL+".") != "" {
		return nil, oauth.ErrNotFound
	}
	in := authorizationInput{params: url.Values{signInParam: {sealed}}, at: time.Now()}
	err := e.resume(ctx, &in)
	if err == nil {
		var q *request
		if q, err = parse(in.params, in.at); err == nil {
			why := q.signInRequest()
			return &why, nil
		}
	}
	if oauth.AsError(err).Code.Status() < http.StatusInternalServerError {
		return nil, fmt.Errorf("%w: %w", oauth.ErrNotFound, err)
	}
	return nil, err
}

// declineSignIn tells the client that the user does not sign in. The sign-in page posts
// this decision to its return address.
//
// A form whose origin is unknown is accepted for a client that may be redirected without
// a page. Otherwise the form of another site would be an open redirect.
func (e *Endpoint) declineSignIn(r *http.Request, q *request) (outcome, error) {
	if err := e.Forms.CheckForm(r, q.trusted); err != nil {
		return refused(http.StatusForbidden, clients.Named(q.client.ID, fmt.Errorf("%w: %w", err, errForeignDecision))), nil
	}
	return e.refuseClient(q, clients.Named(q.client.ID, fmt.Errorf("at the sign-in page: %w", errDeclined))), nil
}

// repeats reports whether a request must be repeated as a GET before its user is known.
// Browsers do not send SameSite=Lax cookies with a form of another site. A GET is never
// repeated, so there is no loop.
func (e *Endpoint) repeats(r *http.Request) bool {
	return r.Method == http.MethodPost && !scripted(r) && e.Forms.CheckAnyMethod(r) != nil
}

// repeat sends the browser here again, from a page of this site.
func (e *Endpoint) repeat(r *http.Request, q *request) (outcome, error) {
	target, err := e.returnAddress(r.Context(), q, time.Time{})
	return redirectOutcome{target: target, from: fromOtherForm}, err
}

// returnAddress returns the address that continues a request. It stores a long or
// private request if the store implements [oauth.PendingRequestStore].
func (e *Endpoint) returnAddress(ctx context.Context, q *request, asked time.Time) (string, error) {
	here := q.path + "?" + signInParam + "="
	sealed := e.tickets.sealSignIn(pendingSignIn{q.params, asked})
	confidential := slices.ContainsFunc(private, q.params.Has)
	if e.Pending == nil || len(q.params.Encode()) <= maxSealed && !confidential {
		return here + sealed, nil
	}
	handle, err := e.store(ctx, q, sealed, confidential || len(sealed) > maxInURL)
	switch {
	case errors.Is(err, oauth.ErrConflict):
		return here + sealed, nil
	case err != nil:
		return "", fmt.Errorf("store the request until the user has signed in: %w", err)
	}
	return here + handle, nil
}

// store stores a sealed request and returns its handle, or [oauth.ErrConflict] if the
// client has reached its limit. The limit is higher for a request that must be stored.
func (e *Endpoint) store(ctx context.Context, q *request, sealed string, must bool) (handle string, err error) {
	handle = secret.New()
	save := func(ttl time.Duration, limit int) error {
		return e.Pending.SavePendingRequest(ctx, &oauth.PendingRequest{
			Digest: oauth.DigestOf(handle), ClientID: q.client.ID, Sealed: sealed, ExpiresAt: q.time.Add(ttl),
		}, limit, q.time)
	}
	if err = save(pendingTTL, longPending); must && errors.Is(err, oauth.ErrConflict) {
		err = save(shortPendingTTL, maxPending)
	}
	return handle, err
}

// errSignInExpired is the error for a return address whose request is unknown.
var errSignInExpired = oauth.InvalidRequest.Errorf("this sign-in has expired. Go back to the app and start again")

// resume replaces the parameters of a browser that returns from the sign-in page with
// those of its request. A return address to which other parameters were added is a
// new request.
func (e *Endpoint) resume(ctx context.Context, in *authorizationInput) error {
	values := in.params[signInParam]
	if len(values) != 1 { // a repeated one is refused like any other parameter
		return nil
	}
	in.returned = true
	delete(in.params, signInParam)
	if len(in.params) > 0 {
		return nil
	}
	sealed, expired := values[0], false
	if e.Pending != nil && !strings.Contains(sealed, ".") {
		stored, err := e.Pending.PendingRequest(ctx, oauth.DigestOf(sealed))
		if err != nil && !errors.Is(err, oauth.ErrNotFound) {
			return fmt.Errorf("find the request of the sign-in: %w", err)
		}
		if err == nil {
			sealed, expired = stored.Sealed, !in.at.Before(stored.ExpiresAt)
		}
	}
	p := e.tickets.openSignIn(sealed, in.at)
	if p == nil {
		return errSignInExpired
	}
	in.params, in.sealed = p.params, true
	if expired {
		return errSignInExpired
	}
	in.asked = p.asked
	return nil
}
