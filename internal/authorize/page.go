package authorize

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/jsonid"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/policy"
	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// site returns the data that every page gets.
func (e *Endpoint) site(r *http.Request) views.Page {
	return views.Page{Site: e.Site, Home: e.Home, RequestID: reqinfo.From(r.Context()).ID}
}

// Maximum lengths, in characters, of client and user texts on a page.
const (
	maxName = 80
	maxText = 200

	maxEmail = 254
)

// showConsent returns the consent page, with a new ticket.
func (e *Endpoint) showConsent(r *http.Request, q *request, account *users.Account, m memory) (consentOutcome, error) {
	p, err := e.consentPage(r.Context(), q, account, m)
	if err != nil {
		return consentOutcome{}, err
	}
	sealed, cookies, err := e.tickets.new(r, q, account.Ref, p)
	if err != nil {
		return consentOutcome{}, err
	}
	p.Ticket, p.Switch = sealed, e.switchAccount(q)
	return consentOutcome{
		common: common{cookies: cookies}, page: p, redirectURI: q.redirectURI,
		clientID: jsonid.Value(q.client.ID, e.NumericClientIDs), userID: jsonid.Value(account.Ref.ID, e.NumericUserIDs),
	}, nil
}

// switchAccount returns the URL that asks the user for another account, and continues the
// request: it has prompt=select_account. It is empty for a request that is too long for
// a URL, and for one that expects a certain user.
func (e *Endpoint) switchAccount(q *request) string {
	if q.openID != nil && q.openID.hint != nil {
		return ""
	}
	params := maps.Clone(q.params)
	prompt := []string{"select_account"}
	if q.prompts("consent") {
		prompt = append(prompt, "consent")
	}
	params["prompt"] = []string{strings.Join(prompt, " ")}
	params.Del("login_hint")
	sealed := e.tickets.sealSignIn(pendingSignIn{params: params})
	if len(sealed) > maxInURL {
		return ""
	}
	return q.path + "?" + signInParam + "=" + sealed
}

// consentPage returns the page's data as of now. The ticket's digest covers it, so
// nothing in it may differ between two equal requests: see request.shown.
func (e *Endpoint) consentPage(ctx context.Context, q *request, account *users.Account, m memory) (views.ConsentPage, error) {
	client, err := e.consentClient(ctx, q)
	if err != nil {
		return views.ConsentPage{}, err
	}
	p := views.ConsentPage{
		Client:      client,
		User:        views.ConsentUser{ID: page.Text(account.User.ID, maxText), Name: page.Text(account.User.Name, maxName), Email: page.Text(account.User.Email, maxEmail), Data: account.User.Data},
		Host:        redirect.Host(q.redirectURI),
		Device:      redirect.Loopback(q.redirectURI) || redirect.PrivateUse(q.redirectURI),
		Unencrypted: redirect.Unencrypted(q.redirectURI),
		Days:        int(e.familyLife(q) / policy.Day),
		Action:      q.path,
	}
	if d := q.device; d != nil {
		p.Requester = &views.ConsentDevice{
			UserCode: d.userCode, Label: page.Text(d.Label, maxName), Agent: page.Text(d.UserAgent, maxName), Address: page.Text(d.Address, maxName), At: d.CreatedAt.UTC(),
		}
	}
	p.AppsPage = e.appsPage()
	optional := e.Policy.Optional(q.scopes)
	for _, scope := range e.Policy.ScopesFor(q.scopes...) {
		p.Scopes = append(p.Scopes, views.ConsentScope{
			ID: scope.ID, Description: cmp.Or(page.Text(scope.Description, maxText), scope.ID), Granted: len(m.missing(q.resources, scope.ID)) == 0,
			Group: page.ScopeGroup(scope), CanChange: scope.CanChange, Sensitive: scope.Sensitive, Optional: slices.Contains(optional, scope.ID),
		})
	}
	e.consents.inclusions(p.Scopes)
	for _, uri := range q.resources {
		p.Resources = append(p.Resources, page.Text(uri, maxText))
	}
	return p, nil
}

// appsPage returns the path of the page where users remove apps; empty without one.
func (e *Endpoint) appsPage() string {
	if path := e.AppsPage.Load(); path != nil {
		return *path
	}
	return ""
}

// consentClient returns the client as the page shows it, with its metadata.
func (e *Endpoint) consentClient(ctx context.Context, q *request) (views.ConsentClient, error) {
	m, err := e.Clients.Metadata(ctx, q.client.ID)
	if err != nil {
		return views.ConsentClient{}, err
	}
	return page.Client(q.client, m, e.LogoPath), nil
}

// startAgain returns the URL of a request whose parameters this server has sealed. An
// error page never links to the parameters in its own address, because they were
// refused or never checked. It returns nothing for a request that must not be in a URL,
// except that one with a login_hint starts again without it.
func (q *request) startAgain() string {
	sealed := maps.Clone(q.params)
	if sealed.Has("user_code") { // it has expired
		return q.path
	}
	sealed.Del("login_hint")
	if slices.ContainsFunc(private, sealed.Has) {
		return ""
	}
	return q.path + "?" + sealed.Encode()
}

// homePage adds the home page of the client to an error page, as the way out. The pages of
// clients that a user registered are not linked before the operator has verified them:
// an attacker could send users there.
func (e *Endpoint) homePage(r *http.Request, o errorOutcome) errorOutcome {
	if o.client == nil || o.again != "" || scripted(r) {
		return o
	}
	m, err := e.Clients.Metadata(r.Context(), o.client.ID)
	if err != nil { // the page has another way out
		e.Log.InfoContext(r.Context(), "the error page has no link to the app", "request_id", reqinfo.From(r.Context()).ID, "client_id", o.client.ID, "err", err)
		return o
	}
	if m.Verified || o.client.Owner == (oauth.UserRef{}) {
		o.appURL = m.ClientURI
	}
	return o
}

// errorPage returns the texts of an error page. The protocol's error code and
// description appear below, for the app's developers. again is the URL that starts the
// request again, or empty.
func errorPage(e *oauth.Error, again string) views.ErrorPage {
	title, advice := "Something is wrong with this request", "Go back to the app and try again. If it happens again, tell the app’s developers."
	switch {
	case e == errWrongCode:
		title, advice = "This code isn’t valid", "It was used before, or has expired. Nothing was allowed. Get a new one on your device."
	case expired(e) && again != "":
		title, advice = "This page has expired", "Nothing was allowed. You can start again here."
	case expired(e):
		title, advice = "This page has expired", "Go back to the app and start again. Nothing was allowed."
	case e.Code == oauth.InvalidClient:
		title, advice = "Unknown app", "The link that brought you here is for an app that doesn’t exist or was removed. Nothing was allowed."
	case e.Code == oauth.TemporarilyUnavailable:
		title, advice = "Please try again in a moment", "The service is busy or being restarted. Nothing was allowed."
	case e.Code == oauth.ServerError:
		title, advice = "Something went wrong on our side", "Nothing was allowed. Try again later. If you report this, quote the request ID."
	case e.Code == oauth.AccessDenied:
		title, advice = "We weren’t expecting this response", "It did not come from our own page. Go back to the app and start again."
	}
	return views.ErrorPage{Title: title, Advice: advice, Code: string(e.Code), Description: e.Description, Again: again, Expired: expired(e)}
}

// expired reports whether an error says that a page or a sign-in took too long.
func expired(e *oauth.Error) bool {
	return e == errStale || e == errSignInExpired || e == errWrongCode
}
