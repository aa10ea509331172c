package testkit

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Response is an HTTP response of the server, as a test sees it.
type Response struct {
	T      *testing.T
	From   *Browser // nil outside a browser
	Status int
	Header http.Header
	Body   string
}

// As sets the browser of a response of [Server.Do].
func (a *Response) As(b *Browser) *Response {
	a.From = b
	return a
}

// Target returns where the browser goes next, from Location or from a page that
// redirects. It is empty if the browser stays.
func (a *Response) Target() string {
	if location := a.Header.Get("Location"); location != "" {
		return location
	}
	return a.Part(refreshElement, "redirect_to")
}

// Params returns the parameters in the query of the client's redirect URI. It
// fails the test if the browser is not sent there, or if a parameter appears
// twice.
func (a *Response) Params() url.Values {
	a.T.Helper()
	u, err := url.Parse(a.Target())
	if err != nil || a.Target() == "" || u.Path == "/login" {
		a.T.Fatalf("want a redirect to the client, got %s", a)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		a.T.Fatalf("the query %q is invalid: %v", u.RawQuery, err)
	}
	for name, values := range params {
		if len(values) > 1 {
			a.T.Errorf("the redirect URI has %s %d times", name, len(values))
		}
	}
	return params
}

// Code returns the code in the redirect URI.
func (a *Response) Code() string {
	a.T.Helper()
	code := a.Params().Get("code")
	if code == "" {
		a.T.Fatalf("want a code, got %s", a)
	}
	return code
}

// WantRedirectError fails the test unless the redirect URI has this error and
// the issuer, and no code.
func (a *Response) WantRedirectError(code string) *Response {
	a.T.Helper()
	p := a.Params()
	if p.Get("error") != code || p.Get("iss") != a.From.Server.Config.Issuer || p.Has("code") {
		a.T.Errorf("want a redirect with the error %s, got %s", code, a)
	}
	return a
}

// WantPage fails the test unless the response is a page without a redirect that
// contains these texts.
func (a *Response) WantPage(status int, says ...string) *Response {
	a.T.Helper()
	if a.Status != status || a.Target() != "" || a.IsConsent() || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.T.Errorf("want a page with status %d and without a redirect, got %s", status, a)
	}
	for _, text := range says {
		if !strings.Contains(html.UnescapeString(a.Body), text) {
			a.T.Errorf("want a page with the text %q, got %s", text, a)
		}
	}
	return a
}

// WantJSONError fails the test unless the response is this JSON error with this
// status.
func (a *Response) WantJSONError(status int, code string) *Response {
	a.T.Helper()
	if a.Status != status || a.JSON()["error"] != code {
		a.T.Errorf("want %d %s, got %s", status, code, a)
	}
	return a
}

// JSON returns the JSON object in the response.
func (a *Response) JSON() map[string]any {
	a.T.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		a.T.Fatalf("want JSON, got %s", a)
	}
	return m
}

// Tokens returns the tokens of a token response. It fails the test for a
// refusal.
func (a *Response) Tokens() *Tokens {
	a.T.Helper()
	var got Tokens
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != http.StatusOK || got.Access == "" {
		a.T.Fatalf("want tokens, got %s", a)
	}
	return &got
}

var anyElement = regexp.MustCompile(`(?s)<style>.*?</style>|<head>.*?</head>|<[^>]*>`)

// String describes the response for a failing test.
func (a *Response) String() string {
	text := strings.Join(strings.Fields(html.UnescapeString(anyElement.ReplaceAllString(a.Body, " "))), " ")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return fmt.Sprintf("%s, going to %.300q: %s", http.StatusText(a.Status), a.Target(), text)
}

// AsText formats a JSON value for a comparison.
func AsText(v any) string { return fmt.Sprint(v) }

// WantStatus fails the test unless the response has this status.
func (a *Response) WantStatus(status int) *Response {
	a.T.Helper()
	if a.Status != status {
		a.T.Errorf("want status %d, got %d: %s", status, a.Status, a)
	}
	return a
}
