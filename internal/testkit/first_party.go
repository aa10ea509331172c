package testkit

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
)

func (b *Browser) SignOutOf(cookie string) {
	b.Jar.SetCookies(b.Origin(), []*http.Cookie{{Name: cookie, MaxAge: -1, Path: "/"}})
}

// WantLog fails unless the log holds these texts.
func (s *Server) WantLog(texts ...string) {
	s.T.Helper()
	for _, text := range texts {
		if !strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log does not say %q", text)
		}
	}
}

// WantNoSecrets fails if the log holds one of these.
func (s *Server) WantNoSecrets(secrets ...string) {
	s.T.Helper()
	for _, text := range secrets {
		if text == "" || strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log holds the secret %q", text)
		}
	}
}

func (b *Browser) RefreshToken(header ...string) *Answer {
	b.T.Helper()
	r := httptest.NewRequest("POST", b.Origin().String()+"oauth/token/refresh", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	setHeader(r, header)
	return b.Serve(b.Server, r)
}

// OverTheWire sends a GET of the browser's over a real connection.
func (b *Browser) OverTheWire(h http.Handler, trace *httptrace.ClientTrace) *Answer {
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
	answered, err := site.Client().Do(r)
	if err != nil {
		b.T.Fatal(err)
	}
	defer answered.Body.Close()
	body, err := io.ReadAll(answered.Body)
	if err != nil {
		b.T.Fatal(err)
	}
	return &Answer{T: b.T, From: b, Status: answered.StatusCode, Header: answered.Header, Body: string(body)}
}
