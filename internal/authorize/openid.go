package authorize

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/idtoken"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// offlineAccess is the scope of OpenID Connect Core §11.
const offlineAccess = "offline_access"

// authentication is what OpenID Connect adds to a request: the client asks who the user
// is (OpenID Connect Core §3.1.2.1).
type authentication struct {
	nonce      string
	maxAge     time.Duration // negative for no limit
	hint       *idtoken.Hint // of id_token_hint; nil without one
	again      bool          // the last sign-in is too old, or prompt=login requires a new one
	otherUser  bool          // the signed-in user is not the user of the hint
	redirected bool          // the browser's user has consented to the client before, so errors of prompt=none go to it
}

// authenticationParams are the parameters of an authentication request. Other requests
// ignore them. registration is refused.
var authenticationParams = []string{"nonce", "max_age", "id_token_hint", "acr_values", "registration"}

// hints never cause an error (OpenID Connect Core §15.1). A value that cannot be read
// is dropped.
var hints = []string{"ui_locales", "acr_values"}

// noMaxAge is the maxAge of a request without a limit.
const noMaxAge time.Duration = -1

// identify returns the parameters of a request that count, and the authentication that it
// asks for; nil if it does not ask who the user is.
func (e *Endpoint) identify(params url.Values) (url.Values, *authentication) {
	params = maps.Clone(params)
	if e.IDTokens == nil || !slices.ContainsFunc(params["scope"], asksForIdentity) {
		for _, name := range authenticationParams {
			params.Del(name)
		}
		return params, nil
	}
	for _, name := range hints {
		if wire.CheckParameter(name, params[name], false) != nil {
			params.Del(name)
		}
	}
	return params, &authentication{maxAge: noMaxAge}
}

func asksForIdentity(scope string) bool {
	return slices.Contains(strings.Split(scope, " "), idtoken.Scope)
}

// needsRedirectURI reports whether a request must have a redirect_uri, even if the client
// has registered only one: an authentication request (OpenID Connect Core §3.1.2.1), and
// one whose redirect_uri may be in a request object, which is not read.
func (e *Endpoint) needsRedirectURI(q *request) bool {
	return q.openID != nil || e.IDTokens != nil && (q.params.Has("request") || q.params.Has("request_uri"))
}

// maxNonce is the maximum length of a nonce, in bytes.
const maxNonce = 512

// checkAuthentication checks the parameters of an authentication request.
func (e *Endpoint) checkAuthentication(q *request) (err error) {
	if q.openID == nil {
		return nil
	}
	if q.params.Has("registration") {
		return oauth.RegistrationNotSupported.Errorf("the parameter registration is not supported: register the client first")
	}
	if q.openID.nonce = q.params.Get("nonce"); len(q.openID.nonce) > maxNonce {
		return oauth.InvalidRequest.Errorf("nonce is longer than %d bytes", maxNonce)
	}
	if q.openID.maxAge, err = maxAge(q.params.Get("max_age"), q.client); err != nil {
		return err
	}
	raw := q.params.Get("id_token_hint")
	if raw == "" {
		return nil
	}
	if q.openID.hint, err = e.IDTokens.Hint(raw); err != nil {
		return fmt.Errorf("%w: %w", oauth.InvalidRequest.Errorf("id_token_hint is not an ID token of this server"), err)
	}
	return nil
}

// maxAge returns how long ago the last sign-in may be: the parameter max_age, or else
// the setting of the client. A limit that is longer than a [time.Duration] has no effect.
func maxAge(param string, c *oauth.Client) (time.Duration, error) {
	if param == "" {
		if c.OpenID == nil || c.OpenID.DefaultMaxAge == nil {
			return noMaxAge, nil
		}
		param = strconv.FormatInt(*c.OpenID.DefaultMaxAge, 10)
	}
	if strings.Trim(param, "0123456789") != "" {
		return 0, oauth.InvalidRequest.Errorf("max_age must be a number of seconds, with digits alone")
	}
	seconds, err := strconv.ParseInt(param, 10, 64)
	if err != nil || seconds > int64(math.MaxInt64/time.Second) {
		return noMaxAge, nil //nolint:nilerr // out of range
	}
	return time.Duration(seconds) * time.Second, nil
}

// tooOld reports whether the last sign-in is longer ago than max_age allows. No sign-in
// is recent enough for max_age=0.
func (q *request) tooOld(user *oauth.User) bool {
	if q.openID == nil || q.openID.maxAge < 0 {
		return false
	}
	return q.openID.maxAge == 0 || user.AuthenticatedAt.IsZero() || q.time.Sub(user.AuthenticatedAt) > q.openID.maxAge
}

// outlived reports whether the last sign-in was for this request, but too long ago for
// max_age, even for a user who has left the consent page open.
func (q *request) outlived(user *oauth.User) bool {
	return q.tooOld(user) && q.time.Sub(user.AuthenticatedAt) > q.openID.maxAge+TicketTTL
}

// expects reports whether the client may get a code for an account: it is the one of the
// id_token_hint, if there is one.
func (q *request) expects(account *users.Account) bool {
	return q.openID == nil || q.openID.hint == nil || q.openID.hint.Subject == oauth.ForUser(account.Ref).Claim(q.client.ID)
}

// errUnmet is in the chain of an error about a setting of the client that the session
// does not meet. Its client could have chosen the setting for the error.
var errUnmet = fmt.Errorf("a setting of the client is not met: %w", oauth.ServerError)

// checkSession refuses a request whose ID token would lack a claim that the client
// requires, because the user provider does not report it.
func (q *request) checkSession(account *users.Account) error {
	settings := q.client.OpenID
	if q.openID == nil || settings == nil {
		return nil
	}
	switch {
	case settings.BackchannelSessionRequired && (account.User.SessionID == "" || q.device != nil):
		if q.device != nil {
			return fmt.Errorf("the client sets backchannel_logout_session_required, but a device has no browser session, and so no sid: %w",
				errUnmet)
		}
		return fmt.Errorf("the client sets backchannel_logout_session_required, but CurrentUser of the provider %q returned no SessionID, so there is no sid: fill in SessionID, or change the client: %w",
			account.Ref.Provider, errUnmet)
	case settings.RequireAuthTime && account.User.AuthenticatedAt.IsZero():
		return fmt.Errorf("the client sets require_auth_time, but CurrentUser of the provider %q returned no AuthenticatedAt: fill it in, or change the client: %w",
			account.Ref.Provider, errUnmet)
	}
	return nil
}

// dropOffline removes the scope offline_access from an authentication request, unless the
// user or an administrator agrees to it: with prompt=consent, by a remembered consent,
// or by SkipConsent (OpenID Connect Core §11). The page for devices always asks.
func (e *Endpoint) dropOffline(r *http.Request, q *request, account *users.Account) error {
	if q.openID == nil || q.device != nil || q.prompts("consent") || !slices.Contains(q.scopes, offlineAccess) {
		return nil
	}
	if e.skips(r, q, account.User) {
		return nil
	}
	m, err := e.remembered(r.Context(), account, q.client)
	if err != nil {
		return err
	}
	if len(m.missing(q.resources, offlineAccess)) > 0 {
		q.scopes = slices.DeleteFunc(slices.Clone(q.scopes), func(scope string) bool { return scope == offlineAccess })
	}
	return nil
}

// withoutPage returns the error of a request with prompt=none that would need a page. A
// client that a user registered gets it only if the browser's user knows the client: an
// error redirect to any other client would be an open redirect.
func (e *Endpoint) withoutPage(r *http.Request, q *request, refusal error) (outcome, error) {
	if q.openID == nil || q.trusted() {
		return nil, refusal
	}
	name, _, err := e.Users.Of(q.client)
	if err != nil {
		return nil, err
	}
	account, err := e.Users.Current(r, name)
	if err != nil {
		return nil, err
	}
	if account != nil {
		m, err := e.remembered(r.Context(), account, q.client)
		if err != nil {
			return nil, err
		}
		q.openID.redirected = len(m.granted) > 0
	}
	return nil, refusal
}

// knows reports whether the browser's user has consented to the client before; only for
// the errors of prompt=none.
func (q *request) knows() bool { return q.openID != nil && q.openID.redirected }

// nonceFor returns the nonce for the ID token; empty if the user does not grant one.
func (q *request) nonceFor(granted []string) string {
	if q.openID == nil || !slices.Contains(granted, idtoken.Scope) {
		return ""
	}
	return q.openID.nonce
}

// describe fills in how the user signed in. The SID is random: the store keeps the one
// that the client already has for the session, and none without a session.
func (*authentication) describe(f *oauth.Family, user *oauth.User) {
	f.ACR, f.AMR, f.SID = user.ACR, slices.Clone(user.AMR), rand.Text()
}
