package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The tests of OpenID Connect clients that were written by others have names that begin
// with TestClients, if CI runs them, or with TestFurther, if only `make clients` does.

// startProvider starts a server that is an OpenID provider, with Ada's account.
func startProvider(t *testing.T, settings ...string) *server {
	t.Helper()
	return startShop(t, append([]string{"PASSPORT_OPENID_ENABLED=true"}, settings...)...)
}

// A response is what a client gets from the authorization endpoint: the address that the
// browser opens, and the form that it sends there for response_mode=form_post.
type response struct {
	url  *url.URL
	form url.Values
}

// parameters returns the response's parameters.
func (r response) parameters() url.Values {
	if r.form != nil {
		return r.form
	}
	return r.url.Query()
}

// answer opens an authorization request, signs in and allows it if the server asks for
// that, and returns the response to the client.
func (a *agent) answer(address string) response {
	a.t.Helper()
	p := a.get(address)
	for range 3 {
		switch {
		case p.Away != nil:
			return response{url: p.Away}
		case p.has(a.t, "Sign in"):
			p = a.signIn(p, userEmail, userPassword)
		case p.has(a.t, "Allow"):
			p = a.submit(p, "Allow", nil)
		}
		if r, ok := p.formPost(a.t, a.server.URL); ok {
			a.server.canaries.form(r.form)
			return r
		}
	}
	a.t.Fatalf("%s does not lead back to the client, but to a page with status %d:\n%s", address, p.status, p.text(a.t))
	return response{}
}

// has reports whether the page has a form with the button.
func (p page) has(t *testing.T, button string) bool {
	t.Helper()
	for _, f := range p.forms(t) {
		if _, _, ok := f.button(button); ok {
			return true
		}
	}
	return false
}

// formPost returns the form that the page sends to a client (OAuth 2.0 Form Post Response
// Mode).
func (p page) formPost(t *testing.T, issuer string) (response, bool) {
	t.Helper()
	if p.Away != nil {
		return response{}, false
	}
	for _, f := range p.forms(t) {
		target, err := p.url.Parse(f.action)
		if err == nil && f.method == http.MethodPost && !strings.HasPrefix(target.String(), issuer+"/") {
			f.fields.Del("") // of a button
			return response{target, f.fields}, true
		}
	}
	return response{}, false
}

// subjectOf returns the sub of the account with an address.
func (s *server) subjectOf(t *testing.T, email string) string {
	t.Helper()
	var users []struct {
		ID    json.RawMessage `json:"id"`
		Email string          `json:"email"`
	}
	out := s.command(t, "", "user", "list", "--json")
	if err := json.Unmarshal(out, &users); err != nil {
		t.Fatalf("passport user list --json: %v\n%s", err, out)
	}
	for _, u := range users {
		if u.Email == email {
			return "users:" + strings.Trim(string(u.ID), `"`)
		}
	}
	t.Fatalf("passport user list has no %s:\n%s", email, out)
	return ""
}
