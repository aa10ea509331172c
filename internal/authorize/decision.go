package authorize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-passport/passport/event"
	"github.com/go-passport/passport/internal/audit"
	"github.com/go-passport/passport/internal/clients"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
)

// conclude issues the requested code or token, and returns the response parameters
// for the client. t is the ticket of the consent page; nil if there was no page.
func (e *Endpoint) conclude(ctx context.Context, q *request, account *users.Account, t *ticket, d decision) ([]redirect.Param, error) {
	if q.responder != nil {
		return e.issueToken(ctx, q, account, t, d)
	}
	code, err := e.issueCode(ctx, q, account, t, d)
	if err != nil {
		return nil, err
	}
	return []redirect.Param{{Name: "code", Value: code}}, nil
}

// newFamily returns the token family that a request starts.
func (e *Endpoint) newFamily(q *request, account *users.Account, scopes []string) *oauth.Family {
	f := &oauth.Family{
		ID: uuid.NewV7(), User: account.Ref, ClientID: q.client.ID, AuthTime: account.User.AuthenticatedAt.UTC().Truncate(time.Microsecond), Resources: q.resources,
		Session:   users.SessionDigest(account.User.SessionID),
		CreatedAt: q.time,
		ExpiresAt: q.time.Add(e.Policy.FamilyLife(q.client, q.browserApp())),
	}
	e.Policy.BindToSession(f, q.client, scopes, account.User.SessionExpiresAt)
	if q.openID != nil && e.IDTokens.Issues(scopes) {
		q.openID.describe(f, account.User)
	}
	return f
}

// issueCode stores a family and its authorization code, and returns the code.
func (e *Endpoint) issueCode(ctx context.Context, q *request, account *users.Account, t *ticket, d decision) (code string, err error) {
	code, family := secret.New(), e.newFamily(q, account, d.scopes)
	b := &oauth.CodeIssuance{Family: family, Consents: d.consents, Declined: d.declined, ConsentVersion: q.client.ConsentVersion}
	if t != nil {
		code, b.Ticket, b.Until = t.code(), t.ID, t.until()
	}
	b.Code = &oauth.Code{
		Digest: oauth.DigestOf(code), Family: family, Scopes: d.scopes, RedirectURI: q.params.Get("redirect_uri"),
		CodeChallenge: q.challenge, Nonce: q.nonceFor(d.scopes), ExpiresAt: policy.Earlier(q.time.Add(e.Policy.CodeTTL), account.User.SessionExpiresAt),
	}
	return code, e.Tokens.IssueCode(ctx, q.permit, b, e.consentGiven(ctx, q, account, d)...)
}

// consentGiven returns the event for the consents that a request adds and the scopes
// that the user declines; nil if there are none. A scope is new if one of its names is
// new.
func (e *Endpoint) consentGiven(ctx context.Context, q *request, account *users.Account, d decision) []event.Event {
	if len(d.consents)+len(d.declined) == 0 {
		return nil
	}
	among := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(q.scopes), func(scope string) bool {
			return !slices.ContainsFunc(e.consents.names(q.resources, scope), func(name string) bool { return slices.Contains(names, name) })
		})
	}
	return []event.Event{event.ConsentGiven{
		Meta: audit.Meta(ctx), User: account.Ref, ClientID: q.client.ID, Scopes: among(d.consents), Declined: among(d.declined),
	}}
}

// decide returns the outcome of a decision on a consent page of the endpoint at path.
// parse checks the request in its ticket.
func (e *Endpoint) decide(r *http.Request, path string, at time.Time, parse func(url.Values) (*request, error)) outcome {
	if err := e.checkDecision(r); err != nil {
		return refused(http.StatusForbidden, fmt.Errorf("%w: %w", err, errForeignDecision))
	}
	decision := r.PostForm["decision"]
	if len(decision) != 1 || decision[0] != "allow" && decision[0] != "deny" || len(r.PostForm["ticket"]) != 1 {
		return refused(http.StatusBadRequest, oauth.InvalidRequest.Errorf("decision must be allow or deny"))
	}
	t, err := e.tickets.open(r.PostForm.Get("ticket"), at)
	if err != nil {
		err = fmt.Errorf("%w: %w", err, errStale)
		if t == nil {
			return refused(http.StatusBadRequest, err)
		}
		return e.refuse(&request{path: path, params: t.params, sealed: true}, err)
	}
	q, err := parse(t.params)
	q.asked, q.sealed = t.asked(), true
	if q.from = fromOtherForm; r.Method == http.MethodPost {
		q.from = fromOurForm
	}
	if err != nil {
		return e.refuse(q, err)
	}
	return e.orRefuse(q)(e.act(r, q, t, decision[0] == "allow"))
}

// checkDecision refuses the form or the script of another site. The ticket is the
// form's token: act checks that it belongs to this browser.
func (e *Endpoint) checkDecision(r *http.Request) error {
	if scripted(r) {
		return e.Forms.CheckAnyMethod(r)
	}
	return e.Forms.CheckForm(r, func() bool { return r.PostForm.Has("ticket") })
}

var errForeignDecision = oauth.AccessDenied.Errorf("the decision was sent by another site")

// errStale is the error for a page whose ticket has expired or cannot be decrypted.
var errStale = oauth.InvalidRequest.Errorf("this page has expired. Go back to the app and start again")

// act carries out the user's decision. The ticket must be for this browser and
// account, and the page must still show the same data. If not, act shows the page
// again.
func (e *Endpoint) act(r *http.Request, q *request, t *ticket, allow bool) (outcome, error) {
	account, err := e.signedIn(r, q)
	if err != nil {
		return nil, err
	}
	if account == nil {
		return e.sendToSignIn(r, q)
	}
	p, err := e.consentPage(r.Context(), q, account, memory{consents: e.consents})
	if err != nil {
		return nil, err
	}
	shown, err := q.shown(p)
	if err != nil {
		return nil, err
	}
	matches := t.matches(e.tickets.cookie(r, t), account.Ref, q) && t.Shown == shown
	if matches && q.device != nil {
		return e.decideDevice(r, q, t, account, allow)
	}
	if matches && !allow {
		return e.deny(r, q, t, account.Ref)
	}
	m, err := e.remembered(r.Context(), account, q.client)
	if err != nil {
		return nil, err
	}
	if !matches || len(t.Granted) > 0 && len(m.missing(q.resources, t.Granted...)) > 0 {
		o, err := e.showConsent(r, q, account, m)
		o.again = true
		return o, err
	}
	d, err := e.decision(q, m, r.PostForm)
	if err != nil {
		return refused(http.StatusBadRequest, clients.Named(q.client.ID, err)), nil
	}
	return e.allow(r, q, t, account, d)
}

// allow issues the code or token of a ticket.
func (e *Endpoint) allow(r *http.Request, q *request, t *ticket, account *users.Account, d decision) (outcome, error) {
	params, err := e.conclude(r.Context(), q, account, t, d)
	if errors.Is(err, oauth.ErrSpent) {
		return e.allowAgain(r.Context(), q, t)
	}
	if err != nil {
		return nil, err
	}
	if err := e.Tokens.LimitFamilies(r.Context(), account.Ref, q.client.ID, q.time); err != nil { // a second click gets the code
		return nil, err
	}
	o := e.respond(q, params...)
	o.cookies, err = e.tickets.remembered(r, q, t, account.Ref, true)
	return o, err
}

// allowAgain responds to a second click. It repeats the first response while the
// code is valid. A token is sent only once.
func (e *Endpoint) allowAgain(ctx context.Context, q *request, t *ticket) (outcome, error) {
	if q.responder != nil {
		allowed, err := e.wasAllowed(ctx, q, t)
		return e.decided(alreadyDecided[allowed], allowed), err
	}
	code, err := e.Tokens.Code(ctx, oauth.DigestOf(t.code()))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return decidedOutcome{what: alreadyDecided[false]}, nil
	case err != nil:
		return nil, fmt.Errorf("find code: %w", err)
	case !code.SpentAt.IsZero() || !q.time.Before(code.ExpiresAt) || !code.Family.Live(q.time):
		o := e.decided(alreadyDecided[true], true)
		o.done = redirect.PrivateUse(q.redirectURI)
		return o, nil
	}
	return repeated(e.respond(q, redirect.Param{Name: "code", Value: t.code()})), nil
}

// alreadyDecided is the page's text for a second decision, by whether the first one
// allowed the request.
var alreadyDecided = map[bool]string{
	true:  "You already allowed this request, and the app has its response.",
	false: "You already declined this request.",
}

// alreadyAllowed is the page's text for a user who declines after they allowed.
const alreadyAllowed = "You already allowed this request. To undo that, remove the app's access."

// decided returns the page for a second decision, which leads to the user's apps if the
// first one allowed the request.
func (e *Endpoint) decided(what string, allowed bool) decidedOutcome {
	o := decidedOutcome{what: what}
	if allowed {
		o.apps = e.appsPage()
	}
	return o
}

// wasAllowed reports whether a used ticket was used to allow.
func (e *Endpoint) wasAllowed(ctx context.Context, q *request, t *ticket) (bool, error) {
	var err error
	if q.responder != nil {
		_, err = e.Tokens.Token(ctx, t.tokenID())
	} else {
		_, err = e.Tokens.Code(ctx, oauth.DigestOf(t.code()))
	}
	if err != nil && !errors.Is(err, oauth.ErrNotFound) {
		return false, fmt.Errorf("find the code or token of a used ticket: %w", err)
	}
	return err == nil, nil
}

// errDeclined is the error that the client gets when the user declines.
var errDeclined = oauth.AccessDenied.Errorf("the user declined")

// deny uses up the ticket and reports access_denied to the client.
func (e *Endpoint) deny(r *http.Request, q *request, t *ticket, ref oauth.UserRef) (outcome, error) {
	err := e.Tokens.UseTicket(r.Context(), t.ID, t.until())
	allowed, again := false, errors.Is(err, oauth.ErrSpent)
	if again {
		allowed, err = e.wasAllowed(r.Context(), q, t)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("use up ticket: %w", err)
	case allowed:
		return e.decided(alreadyAllowed, true), nil
	}
	o := e.refuseClient(q, clients.Named(q.client.ID, fmt.Errorf("user %s:%s: %w", ref.Provider, ref.ID, errDeclined)))
	if again {
		return repeated(o), nil
	}
	o.cookies, err = e.tickets.remembered(r, q, t, ref, false)
	return o, err
}
