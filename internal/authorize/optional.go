package authorize

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// The consent page has a checkbox for each optional scope. The form sends the ticked
// ones, so a page without checkboxes grants no optional scope.

// decision is what a response grants, and what the server remembers with it.
type decision struct {
	scopes             []string // granted by this response
	consents, declined []string // names of new consents, and of scopes that the user has newly declined
}

// remembered returns what the user has decided about a client before.
func (e *Endpoint) remembered(ctx context.Context, account *users.Account, c *oauth.Client) (memory, error) {
	granted, declined, err := e.Tokens.Consented(ctx, account.Ref, c)
	return memory{e.consents, granted, declined}, err
}

// remaining returns the scopes of a request without the optional ones that the user has
// declined before.
func (e *Endpoint) remaining(q *request, m memory) []string {
	optional := e.Policy.Optional(q.scopes)
	return slices.DeleteFunc(slices.Clone(q.scopes), func(scope string) bool {
		return slices.Contains(optional, scope) && m.declines(q.resources, scope)
	})
}

// errNotOffered is the error for a decision that the consent page could not send.
var errNotOffered = oauth.InvalidRequest.Errorf("scope_granted has a scope that is not on the page")

// ticked returns the scopes that a form ticks. A form that names them as PHP and axios
// name an array is an error, or else it would decline them.
func ticked(form url.Values) ([]string, error) {
	for name := range form {
		if strings.HasPrefix(name, "scope_granted[") {
			return nil, wire.CheckParameter(name, nil, true)
		}
	}
	return form["scope_granted"], nil
}

// decision returns the decision of a user who has allowed a request and ticked some
// optional scopes in a form. A ticked scope grants the scopes that it includes. A required scope
// needs no tick, so it may be among the ticked ones.
func (e *Endpoint) decision(q *request, m memory, form url.Values) (d decision, err error) {
	ticks, err := ticked(form)
	switch {
	case err != nil:
		return d, err
	case !within(ticks, q.scopes):
		return d, errNotOffered
	}
	optional := e.Policy.Optional(q.scopes)
	now := m
	now.granted = slices.Clone(m.granted)
	for _, scope := range q.scopes {
		if !slices.Contains(optional, scope) || oauth.Covers(ticks, scope, e.Policy.InheritScopes) {
			d.scopes = append(d.scopes, scope)
			continue
		}
		names := e.consents.names(q.resources, scope)
		now.granted = slices.DeleteFunc(now.granted, func(name string) bool { return slices.Contains(names, name) })
		d.declined = append(d.declined, slices.DeleteFunc(names, func(name string) bool { return slices.Contains(m.declined, name) })...)
	}
	d.consents = now.missing(q.resources, d.scopes...)
	for _, scope := range d.scopes { // what it includes is no longer declined
		for _, uri := range e.consents.audiences(q.resources) {
			d.consents = append(d.consents, m.declinedBelow(uri, scope)...)
		}
	}
	slices.Sort(d.consents)
	d.consents = slices.Compact(d.consents)
	return d, nil
}

// inclusions fills in which optional scopes of a page an optional scope includes.
func (c consents) inclusions(scopes []views.ConsentScope) {
	for i, wide := range scopes {
		for _, narrow := range scopes {
			if wide.Optional && narrow.Optional && narrow.ID != wide.ID && oauth.Covers([]string{wide.ID}, narrow.ID, c.inherit) {
				scopes[i].Includes = append(scopes[i].Includes, narrow.Description)
			}
		}
	}
}
