package authorize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/usercode"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// Devices is the page on which a user allows a device (RFC 8628 §3.3). The user types the
// code that the device shows, or opens a link that has it. From there on it is the
// authorization endpoint: the same sign-in, consent page, ticket and decision. The
// device has no redirect URI, and the user is always asked.
type Devices struct {
	*Endpoint
	DevicesConfig
}

// DevicesConfig holds the dependencies of [Devices].
type DevicesConfig struct {
	Path      string // of the page, including the issuer's path
	GrantType string // of the device grant
	Codes     *tokens.Devices
}

var _ http.Handler = (*Devices)(nil)

// Devices returns the page for devices.
func (e *Endpoint) Devices(c DevicesConfig) *Devices { return &Devices{e, c} }

// deviceKnown are the parameters that the page reads. It ignores all others.
var deviceKnown = parameters{"user_code", signInParam}

// deviceRequest is what the request of a device has instead of a redirect URI.
type deviceRequest struct {
	*oauth.DeviceCode
	userCode string // as the device shows it
	codes    *tokens.Devices
}

func (d *Devices) path() string { return d.DevicesConfig.Path }

// ServeHTTP serves /oauth/device. It accepts a code by GET or POST, and the decision on
// the consent page as [Endpoint.ServeHTTP] does.
func (d *Devices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := d.outcome(r)
	if failed, ok := o.(errorOutcome); ok {
		o = d.homePage(r, failed)
	}
	d.write(w, r, o)
}

func (d *Devices) outcome(r *http.Request) outcome {
	if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete {
		return refused(http.StatusMethodNotAllowed, errDeviceMethod)
	}
	in, err := readAuthorization(r, deviceKnown)
	switch {
	case err != nil:
		return d.refuse(&request{path: d.path()}, err)
	case in.isDecision:
		return d.decide(r, d.path(), in.at, func(params url.Values) (*request, error) { return d.request(r, params, in.at) })
	case r.Method == http.MethodDelete:
		return refused(http.StatusMethodNotAllowed, errDeviceMethod)
	}
	if err := d.resume(r.Context(), &in); err != nil {
		return d.refuse(&request{path: d.path(), params: in.params, sealed: in.sealed}, err)
	}
	if !in.params.Has("user_code") {
		return d.askCode("")
	}
	return d.find(r, in)
}

// errDeviceMethod is the error for a DELETE without a ticket and for any other method.
var errDeviceMethod = oauth.InvalidRequest.Errorf("the page for devices accepts only GET and POST")

// find responds to a code: for a wrong one it asks again, for a right one it does what
// the authorization endpoint does.
func (d *Devices) find(r *http.Request, in authorizationInput) outcome {
	typed := in.params.Get("user_code")
	q, err := d.request(r, in.params, in.at)
	if err == nil && !q.device.Pending() {
		err = fmt.Errorf("the code was decided about before: %w", errWrongCode)
	}
	_, throttled := errors.AsType[*throttle.Refusal](err)
	switch {
	case throttled && q.account == nil:
		return d.signInFirst(r, typed)
	case throttled:
		return d.tooMany(typed, err)
	case errors.Is(err, errWrongCode):
		return d.wrongCode(typed, err)
	case err != nil:
		return d.refuse(q, err)
	}
	q.asked, q.sealed = in.asked, in.sealed
	if r.Method == http.MethodPost || in.returned {
		q.from = fromOtherForm
	}
	if err := d.checkReader(r); err != nil {
		return refused(http.StatusForbidden, clients.Named(q.client.ID, err))
	}
	if in.declines && in.sealed {
		return d.askCode("You did not sign in, so nothing was allowed.")
	}
	return d.orRefuse(q)(d.respondTo(r, q))
}

// errWrongCode is the error for each code that cannot be allowed. Its text is always the
// same, so that it tells nothing about the codes of other devices.
var errWrongCode = oauth.InvalidRequest.Errorf("this code is not valid: it is wrong, was used before, or has expired. Get a new one on the device")

// digestParam is a parameter of sealed requests: the digest of a device code that was
// found. Its user code is no longer a guess.
const digestParam = "device"

// request finds the request of a device by its user code, and checks it. It also returns
// a request that was decided.
func (d *Devices) request(r *http.Request, params url.Values, at time.Time) (*request, error) {
	account, err := d.Users.InBrowser(r)
	if err != nil {
		return &request{path: d.path()}, err
	}
	return d.requestOf(r.Context(), account, params, at)
}

// requestOf is request for a signed-in account, or nil.
func (d *Devices) requestOf(ctx context.Context, account *users.Account, params url.Values, at time.Time) (*request, error) {
	q := &request{path: d.path(), params: params, account: account, time: at, prompt: strings.Fields(params.Get("prompt"))}
	code, err := d.code(ctx, params, account)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return q, errWrongCode
	case err != nil:
		return q, err
	case code.Pending() && !at.Before(code.ExpiresAt):
		return q, fmt.Errorf("the code has expired: %w", errWrongCode)
	}
	normal, _ := usercode.Normalize(params.Get("user_code"))
	q.device = &deviceRequest{DeviceCode: code, userCode: usercode.Shown(normal), codes: d.Codes}
	q.params = maps.Clone(params)
	q.params.Set(digestParam, string(code.Digest))
	client, err := d.Clients.Client(ctx, code.ClientID)
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return q, fmt.Errorf("its client is unknown: %w", errWrongCode)
	case err != nil:
		return q, fmt.Errorf("find client: %w", err)
	case !client.Active() || !client.Allows(d.GrantType):
		return q, clients.Named(client.ID, fmt.Errorf("the client is revoked or suspended, or may no longer use the device grant: %w", errWrongCode))
	}
	q.client = client
	if q.permit, err = d.Tokens.Permit(ctx, client); err == nil {
		err = d.checkDevice(q)
	}
	return q, clients.Named(client.ID, err)
}

// code returns the device code of a request. account is the signed-in user, or nil.
func (d *Devices) code(ctx context.Context, params url.Values, account *users.Account) (code *oauth.DeviceCode, err error) {
	var user oauth.UserRef
	if account != nil {
		user = account.Ref
	}
	switch digest, typed := params.Get(digestParam), params["user_code"]; {
	case digest != "":
		code, err = d.Codes.Device(ctx, oauth.Digest(digest))
	case len(typed) == 1:
		code, err = d.Codes.Find(ctx, user, typed[0])
	default:
		return nil, oauth.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find device code: %w", err)
	}
	return code, nil
}

// SignInRequest is [Endpoint.SignInRequest], also for return addresses of this page.
func (d *Devices) SignInRequest(ctx context.Context, returnTo string) (*oauth.SignInRequest, error) {
	why, err := d.Endpoint.SignInRequest(ctx, returnTo)
	if !errors.Is(err, oauth.ErrNotFound) {
		return why, err
	}
	return d.signInRequestAt(ctx, d.path(), returnTo, func(params url.Values, at time.Time) (*request, error) {
		return d.requestOf(ctx, nil, params, at)
	})
}

// checkDevice checks the scopes and resources again, because the configuration may have
// changed since the device asked.
func (d *Devices) checkDevice(q *request) (err error) {
	if q.scopes, err = d.Policy.RequestedScopes(q.client, strings.Join(q.device.Scopes, " "), d.GrantType); err != nil {
		return err
	}
	if d.IDTokens.Issues(q.scopes) {
		q.openID = &authentication{maxAge: noMaxAge}
	}
	q.resources, err = d.Policy.RequestedResources(q.device.Resources)
	return err
}
