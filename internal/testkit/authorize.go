package testkit

import (
	"net/url"
	"strings"
	"testing"
)

// CheckBad fails the test if the response to an invalid request is a server
// error, redirects to anywhere other than the client or the sign-in page, or
// contains a code.
func (b *Browser) CheckBad(t *testing.T, what string, a *Response, c *Client) {
	t.Helper()
	target := a.Target()
	switch {
	case a.Status >= 500, a.Status == 401:
		t.Errorf("%s: %s", what, a)
	case target != "" && !strings.HasPrefix(target, "/login?") && !strings.HasPrefix(target, c.RedirectURIs[0]+"?"):
		t.Errorf("%s redirects to %s", what, target)
	case strings.Contains(target, "code=") && !strings.HasPrefix(target, "/login?"):
		t.Errorf("%s gets a code: %s", what, target)
	case strings.ContainsAny(a.Header.Get("Location"), "\r\n\x00"):
		t.Errorf("%s adds line breaks to the header: %q", what, a.Header.Get("Location"))
	case len(a.Header.Values("Set-Cookie")) > 1:
		t.Errorf("%s sets the cookies %q", what, a.Header.Values("Set-Cookie"))
	}
}

// Fuzzed sends a raw query, or sends it as a form body if how selects that.
func (b *Browser) Fuzzed(query string, how uint8) *Response {
	if how&2 != 0 {
		return b.Send(b.NewRequest("POST", "/oauth/authorize", query, nil))
	}
	r := b.NewRequest("GET", "/oauth/authorize", "", nil)
	r.URL.RawQuery = query
	return b.Send(r)
}

// AsksJSON sends a request like a page of the application's origin, with Accept:
// application/json and the browser's cookies. It keeps the cookies of the response.
func (b *Browser) AsksJSON(method, path string, body ...any) *Response {
	b.T.Helper()
	a := b.Send(b.Request(method, path, body...))
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Location") != "" {
		b.T.Errorf("want JSON that other origins cannot load, without a redirect, got %v: %s", a.Header, a)
	}
	return a
}

// AuthorizeJSON sends an authorization request like a script; see [Client.Request].
func (b *Browser) AuthorizeJSON(c *Client, pairs ...string) *Response {
	b.T.Helper()
	return b.AsksJSON("GET", b.Server.AuthorizePath()+"?"+c.Request(pairs...).Encode())
}

// WantJSON fails the test unless the response is this JSON, with TICKET in
// place of the ticket.
func (a *Response) WantJSON(status int, want string) *Response {
	a.T.Helper()
	got := a.Body
	if ticket, ok := a.JSON()["ticket"].(string); ok {
		got = strings.Replace(got, ticket, "TICKET", 1)
	}
	if a.Status != status || strings.TrimSpace(got) != want {
		a.T.Errorf("want %d\n%s\ngot %d\n%s", status, want, a.Status, got)
	}
	return a
}

// AuthorizeToken sends an authorization request with response_type=token, which
// pairs change.
func (b *Browser) AuthorizeToken(c *Client, pairs ...string) *Response {
	b.T.Helper()
	request := []string{"response_type", "token", "code_challenge", "", "code_challenge_method", ""}
	return b.Authorize(c, append(request, pairs...)...)
}

// Fragment returns the parameters in the fragment of the client's redirect URI.
// It fails the test if the browser is not sent there, or if a parameter appears
// twice or also in the query.
func (a *Response) Fragment() url.Values {
	a.T.Helper()
	uri, fragment, ok := strings.Cut(a.Target(), "#")
	if !ok {
		a.T.Fatalf("want a response in the fragment, got %s", a)
	}
	params, err := url.ParseQuery(fragment)
	if err != nil {
		a.T.Fatalf("the fragment %q is invalid: %v", fragment, err)
	}
	for name, values := range params {
		if len(values) > 1 || strings.Contains(uri, name+"=") {
			a.T.Errorf("the redirect URI has %s more than once", name)
		}
	}
	return params
}

// Token returns the access token in the fragment.
func (a *Response) Token() string {
	a.T.Helper()
	token := a.Fragment().Get("access_token")
	if token == "" {
		a.T.Fatalf("want an access token, got %s", a)
	}
	return token
}

// WantFragmentError fails the test unless the fragment has this error, the
// state and the issuer, and no token.
func (a *Response) WantFragmentError(code string) *Response {
	a.T.Helper()
	params := a.Fragment()
	if params.Get("error") != code || params.Get("iss") != Issuer || params.Get("state") != DefaultState || params.Has("access_token") {
		a.T.Errorf("want the error %s in the fragment, got %v", code, params)
	}
	return a
}
