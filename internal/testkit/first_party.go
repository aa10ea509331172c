package testkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
)

// SignOutOf removes the browser's session cookie with this name.
func (b *Browser) SignOutOf(cookie string) {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: cookie, MaxAge: -1, Path: "/"}})
}

// WantLog fails the test unless the log contains these texts.
func (s *Server) WantLog(texts ...string) {
	s.T.Helper()
	for _, text := range texts {
		if !strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log does not contain %q", text)
		}
	}
}

// WantNoSecrets fails the test if the log contains one of these secrets.
func (s *Server) WantNoSecrets(secrets ...string) {
	s.T.Helper()
	for _, text := range secrets {
		if text == "" || strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log contains the secret %q", text)
		}
	}
}

// RefreshToken sends a POST to /oauth/token/refresh as a script of the page
// does.
func (b *Browser) RefreshToken(header ...string) *Response {
	b.T.Helper()
	r := httptest.NewRequest("POST", b.Origin().String()+"oauth/token/refresh", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	setHeader(r, header)
	return b.Serve(b.Server, r)
}

// OverTheWire sends a GET with the browser's cookies over a real connection.
func (b *Browser) OverTheWire(h http.Handler, trace *httptrace.ClientTrace) *Response {
	b.T.Helper()
	site := httptest.NewServer(h)
	defer site.Close()
	ctx := b.T.Context()
	if trace != nil {
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	r, err := http.NewRequestWithContext(ctx, "GET", site.URL+"/", nil)
	if err != nil {
		b.T.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	response, err := site.Client().Do(r)
	if err != nil {
		b.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.T.Fatal(err)
	}
	return &Response{T: b.T, From: b, Status: response.StatusCode, Header: response.Header, Body: string(body)}
}
