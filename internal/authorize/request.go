package authorize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/formdata"
	"github.com/go-passport/passport/internal/nearest"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// request is a request to the authorization endpoint (RFC 6749 §4.1.1). Once
// redirectURI is set, errors go to the client.
type request struct {
	path        string     // of the endpoint
	params      url.Values // the known parameters, as received
	client      *oauth.Client
	permit      tokens.Permit // to issue to client
	redirectURI string        // the target of the response
	otherPort   bool          // of a confidential client, at a loopback port that is not registered
	state       string
	scopes      []string
	resources   []string
	challenge   string
	prompt      []string
	responder   oauth.Responder // nil for a code
	time        time.Time       // when the whole request was received
	asked       time.Time       // when the browser was sent to sign in for it; zero if it was not
	from        origin          // how the browser reached the endpoint
	sealed      bool            // params were sealed by this server: they were in a ticket or a return address
	device      *deviceRequest  // the device that asks, in place of a redirect URI; nil at the authorization endpoint
	account     *users.Account  // the user at the page for devices, of any provider; nil without one
	openID      *authentication // nil if the client does not ask who the user is
	formPost    bool            // the response is a form of a page: response_mode=form_post
}

// known are the parameters that the endpoint reads. It ignores all others.
var known = parameters{
	"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
	"prompt", "login_hint", "ui_locales", "resource", "request", "request_uri", "response_mode", signInParam,
	"nonce", "max_age", "id_token_hint", "acr_values", "registration", // of OpenID Connect; see identify
}

// parameters are the names of the parameters that an endpoint reads.
type parameters []string

// has reports whether the endpoint reads a parameter, or refuses it as an array of one
// that it reads.
func (p parameters) has(name string) bool {
	base, _, _ := strings.Cut(name, "[")
	return slices.Contains(p, base)
}

// hasInput reports whether a parameter belongs to a request or to a decision.
func (p parameters) hasInput(name string) bool {
	return name == "ticket" || name == "decision" || name == "scope_granted" || p.has(name)
}

// maxQuery is the maximum length of a request as a query, in bytes. The sign-in
// page returns the request in this form.
const maxQuery = 8 << 10

var errQueryTooLong = oauth.InvalidRequest.Errorf("the request is longer than %d bytes", maxQuery)

// authorizationInput holds the input of a request to the authorization endpoint.
type authorizationInput struct {
	params     url.Values
	isDecision bool      // see readDecision
	returned   bool      // the browser returns from the sign-in page
	sealed     bool      // params are from its return address
	asked      time.Time // when it was sent there; zero if the return address is not ours
	declines   bool      // the user cancels the sign-in; only if sealed
	at         time.Time // when the whole body was received; the user is looked up later
}

func readAuthorization(r *http.Request, known parameters) (in authorizationInput, err error) {
	if in.params, err = authorizationParams(r, known); err != nil {
		return in, err
	}
	if in.isDecision, err = readDecision(r, known); err != nil {
		return in, err
	}
	in.declines = r.Method == http.MethodPost && r.PostForm.Get("decision") == "deny"
	if in.at, err = wire.Received(r); err != nil {
		return in, wire.Unreadable(err)
	}
	return in, nil
}

// authorizationParams reads the parameters from the query for GET, and from query
// and form for POST. A parameter in both counts as repeated.
func authorizationParams(r *http.Request, known parameters) (url.Values, error) {
	if len(r.URL.RawQuery) > 2*maxQuery {
		return nil, errQueryTooLong
	}
	if err := formdata.ParseForm(r, known.hasInput); err != nil {
		return nil, wire.Unreadable(err)
	}
	params := url.Values{}
	for name, values := range r.Form {
		if known.has(name) {
			params[name] = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" && len(values) == 1 })
		}
	}
	ours := 0
	if sealed := params.Get(signInParam); sealed != "" {
		ours = len("&" + signInParam + "=" + sealed)
	}
	if max(len(r.URL.RawQuery), len(params.Encode()))-ours > maxQuery {
		return nil, errQueryTooLong
	}
	return params, nil
}

// authorizationRequest checks everything that does not depend on the user. On an
// error it returns the known part of the request. If redirectURI is set, it is
// registered for the client.
func (e *Endpoint) authorizationRequest(ctx context.Context, params url.Values, at time.Time) (*request, error) {
	q := &request{path: e.Path, time: at}
	q.params, q.openID = e.identify(params)
	params = q.params
	if err := e.findClient(ctx, q); err != nil {
		return q, err
	}
	if err := e.findRedirectURI(q); err != nil {
		return q, clients.Named(q.client.ID, err)
	}
	if types := params["response_type"]; len(types) == 1 {
		q.responder = e.Responders[types[0]]
	}
	q.formPost = e.postsForm(q)
	if len(params["state"]) == 1 && wire.CheckParameter("state", params["state"], false) == nil {
		q.state = params.Get("state")
	}
	var err error
	if q.permit, err = e.Tokens.Permit(ctx, q.client); err == nil {
		err = e.check(q)
	}
	return q, clients.Named(q.client.ID, err)
}

func (e *Endpoint) findClient(ctx context.Context, q *request) error {
	id := q.params["client_id"]
	if len(id) == 0 {
		return oauth.InvalidRequest.Errorf("client_id is missing")
	}
	if err := wire.CheckParameter("client_id", id, false); err != nil {
		return err
	}
	client, err := e.Clients.Client(ctx, id[0])
	unknown := oauth.InvalidClient.Errorf("there is no app with this client_id")
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return fmt.Errorf("client %q; `passport client list` shows all clients: %w", reqinfo.Bounded(id[0]), unknown)
	case err != nil:
		return fmt.Errorf("find client: %w", err)
	case !client.Active():
		return fmt.Errorf("client %.100q is revoked or suspended: %w", id[0], unknown)
	}
	q.client = client
	return nil
}

// findRedirectURI sets the target of the response. It refuses a registered URI that
// is invalid today. Such a URI was registered under an http issuer, or by bypassing
// CreateClient.
func (e *Endpoint) findRedirectURI(q *request) error {
	if !q.params.Has("redirect_uri") && e.needsRedirectURI(q) {
		return oauth.InvalidRequest.Errorf("redirect_uri is missing")
	}
	uri, err := q.chosenRedirectURI()
	if err != nil {
		return err
	}
	if err := e.Policy.CheckRedirectURI(uri); err != nil {
		return fmt.Errorf("redirect_uri %q is registered, but it %w; register another: %w", nearest.Shown(uri), err,
			oauth.InvalidRequest.Errorf("redirect_uri is not registered for this app"))
	}
	q.redirectURI = uri
	return nil
}

// chosenRedirectURI returns the sent redirect URI if it is registered. A request
// may omit it only if exactly one complete URI is registered.
func (q *request) chosenRedirectURI() (string, error) {
	sent := q.params["redirect_uri"]
	if err := wire.CheckParameter("redirect_uri", sent, false); err != nil {
		return "", err
	}
	registered := q.client.RedirectURIs
	switch {
	case len(sent) == 1:
	case len(registered) == 1:
		return registered[0], nil
	case len(registered) == 0:
		return "", oauth.InvalidRequest.Errorf("no redirect_uri is registered for this app")
	default:
		return "", oauth.InvalidRequest.Errorf("redirect_uri is missing, and the app has more than one")
	}
	fit := redirect.Match(registered, q.client.Public(), sent[0])
	if fit == redirect.None {
		return "", fmt.Errorf("redirect_uri %q is not registered; it is compared byte by byte; %s: %w", nearest.Shown(sent[0]), nearest.URI(sent[0], registered),
			oauth.InvalidRequest.Errorf("redirect_uri is not registered for this app"))
	}
	q.otherPort = fit == redirect.OtherPort && !q.client.Public()
	return sent[0], nil
}

// checks are the checks of a request whose errors the client gets, in this order. A
// new rule is one line.
var checks = []func(*Endpoint, *request) error{
	(*Endpoint).checkParameters,
	(*Endpoint).checkResponseType,
	(*Endpoint).checkResponseMode,
	(*Endpoint).checkPort,
	(*Endpoint).checkChallenge,
	(*Endpoint).checkPrompt,
	(*Endpoint).checkAuthentication,
	(*Endpoint).checkScopes,
	(*Endpoint).checkResources,
}

func (e *Endpoint) check(q *request) error {
	for _, check := range checks {
		if err := check(e, q); err != nil {
			return err
		}
	}
	return nil
}

func (e *Endpoint) checkParameters(q *request) error {
	for _, name := range slices.Sorted(maps.Keys(q.params)) {
		if err := wire.CheckParameter(name, q.params[name], name == "resource"); err != nil {
			return err
		}
	}
	return nil
}

func (e *Endpoint) checkPrompt(q *request) error {
	q.prompt = strings.Fields(q.params.Get("prompt"))
	if q.prompts("none") && len(q.prompt) > 1 {
		return oauth.InvalidRequest.Errorf("prompt=none cannot be combined with other values")
	}
	return nil
}

func (e *Endpoint) checkScopes(q *request) (err error) {
	grantType := ""
	if q.responder != nil {
		grantType = q.responder.GrantType()
	}
	q.scopes, err = e.Policy.RequestedScopes(q.client, q.params.Get("scope"), grantType)
	return err
}

func (e *Endpoint) checkResources(q *request) (err error) {
	q.resources, err = e.Policy.RequestedResources(q.params["resource"])
	return err
}

func (e *Endpoint) checkResponseType(q *request) error {
	grantType := "authorization_code"
	if q.responder != nil {
		grantType = q.responder.GrantType()
	}
	switch p := q.params; {
	case p.Get("request") != "":
		return oauth.RequestNotSupported.Errorf("request objects are not supported")
	case p.Get("request_uri") != "":
		return oauth.RequestURINotSupported.Errorf("request_uri is not supported")
	case p.Get("response_type") == "":
		return oauth.InvalidRequest.Errorf("response_type is missing")
	case p.Get("response_type") != "code" && q.responder == nil:
		return oauth.UnsupportedResponseType.Errorf("response_type must be %s", strings.Join(e.responseTypes(), " or "))
	case !q.client.Allows(grantType):
		return oauth.UnauthorizedClient.Errorf("the client may not use the grant %s", grantType)
	}
	return nil
}

// checkPort requires PKCE at a loopback port that is not registered. Without it, a
// program that listens there could use the code (RFC 8252 §8.1).
func (e *Endpoint) checkPort(q *request) error {
	if q.otherPort && (q.responder != nil || q.params.Get("code_challenge") == "") {
		return oauth.InvalidRequest.Errorf("this port of redirect_uri is not registered, so the request needs a code and PKCE: send response_type=code and code_challenge (RFC 7636)")
	}
	return nil
}

// checkChallenge checks the PKCE parameters (RFC 7636 §4.3, RFC 9700 §2.1.1). Only
// a request for a code has them; other requests ignore them (RFC 6749 §3.1).
func (e *Endpoint) checkChallenge(q *request) error {
	challenge, method := q.params.Get("code_challenge"), q.params.Get("code_challenge_method")
	switch {
	case q.responder != nil:
		return nil
	case challenge == "" && method != "":
		return oauth.InvalidRequest.Errorf("code_challenge_method was sent without code_challenge")
	case challenge == "" && (q.client.Public() || e.RequirePKCE):
		return oauth.InvalidRequest.Errorf("code_challenge is required: this client has to use PKCE with S256 (RFC 7636)")
	case challenge == "":
		return nil
	case method == "":
		return oauth.InvalidRequest.Errorf("code_challenge_method is missing, which means plain: send S256")
	case method != "S256":
		return oauth.InvalidRequest.Errorf("code_challenge_method must be S256")
	case len(challenge) != 43 || strings.Trim(challenge, base64URL) != "":
		return oauth.InvalidRequest.Errorf("code_challenge must be the 43 base64url characters of a SHA-256 hash")
	}
	q.challenge = challenge
	return nil
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (q *request) prompts(what string) bool { return slices.Contains(q.prompt, what) }

// mayRespondWithoutPage reports whether a response may be sent without showing a
// page. Another app on the user's device can impersonate a native application, and
// the user would not notice (RFC 8252 §8.6).
func (q *request) mayRespondWithoutPage() bool {
	return !q.anonymous() || redirect.HTTPS(q.redirectURI)
}

// browserApp reports whether the client runs in a browser, where other scripts can
// read everything that it stores.
func (q *request) browserApp() bool { return q.anonymous() && redirect.HTTPS(q.redirectURI) }

// anonymous reports whether the client does not authenticate: a public client, or
// any client that gets its token from this endpoint.
func (q *request) anonymous() bool { return q.client.Public() || q.responder != nil }

// trusted reports whether an administrator created the client. An attacker can
// register a client and use its error redirects as an open redirect (RFC 9700
// §4.11.2).
func (q *request) trusted() bool { return q.client.Owner == oauth.UserRef{} }
