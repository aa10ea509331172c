package passporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/go-passport/passport"
)

// HTTPClient returns a client that sends requests to the handler in process, and
// keeps its cookies, as a browser does. A URL may omit scheme and host:
// "/api/orders" is at the issuer. The client follows redirects within the issuer.
// It returns a redirect to another host, such as a client's redirect URI, as the
// response.
//
// The handler gets the request's context, so [ActingAs] works for these requests,
// too.
func (s *Server) HTTPClient() *http.Client {
	return s.client(func(r *http.Request) *http.Request { return r })
}

// SignedIn is like [Server.HTTPClient] for a browser in which a user of the
// default provider is signed in, for the authorization endpoint and other callers
// of CurrentUser. The application's own pages use its own session; to sign in
// there, too, use its sign-in page.
func (s *Server) SignedIn(user *passport.User) *http.Client {
	s.t.Helper()
	return s.SignedInUserOf(passport.DefaultProvider, user)
}

// SignedInUserOf is like [Server.SignedIn] for a user of another provider.
func (s *Server) SignedInUserOf(provider string, user *passport.User) *http.Client {
	s.t.Helper()
	if user == nil || user.ID == "" {
		s.t.Fatal("passporttest: sign in: want a user with an ID")
	}
	return s.client(func(r *http.Request) *http.Request { return r.WithContext(signIn(r.Context(), provider, user)) })
}

func signIn(ctx context.Context, provider string, user *passport.User) context.Context {
	return context.WithValue(ctx, signedInKey{}, signedIn{provider, user})
}

// client returns an HTTP client that passes its requests through prepare.
func (s *Server) client(prepare func(*http.Request) *http.Request) *http.Client {
	cookies, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatalf("passporttest: %v", err)
	}
	return &http.Client{
		Transport:     &transport{s, prepare},
		Jar:           &jar{cookies, s.issuer},
		CheckRedirect: s.stayHere,
	}
}

// stayHere stops following redirects that leave the issuer's host.
func (s *Server) stayHere(next *http.Request, before []*http.Request) error {
	if len(before) >= 10 {
		return errors.New("passporttest: stopped after 10 redirects")
	}
	if !s.here(s.issuer.ResolveReference(next.URL)) {
		return http.ErrUseLastResponse
	}
	return nil
}

func (s *Server) here(u *url.URL) bool { return u.Scheme == s.issuer.Scheme && u.Host == s.issuer.Host }

// jar keeps the cookies of URLs without a host for the issuer.
type jar struct {
	cookies *cookiejar.Jar
	issuer  *url.URL
}

// SetCookies implements [http.CookieJar].
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.cookies.SetCookies(j.issuer.ResolveReference(u), cookies)
}

// Cookies implements [http.CookieJar].
func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	return j.cookies.Cookies(j.issuer.ResolveReference(u))
}

// transport is a RoundTripper that calls the handler.
type transport struct {
	server  *Server
	prepare func(*http.Request) *http.Request
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	target := t.server.issuer.ResolveReference(r.URL)
	if !t.server.here(target) {
		return nil, fmt.Errorf("passporttest: %s is not served here: want a URL of %s", target.Redacted(), t.server.issuer)
	}
	sent := r.Clone(r.Context())
	sent.URL = target
	w := httptest.NewRecorder()
	t.server.handler.ServeHTTP(w, t.prepare(received(sent)))
	res := w.Result()
	res.Request = sent
	return res, nil
}

// received returns a client's request as a server receives it.
func received(sent *http.Request) *http.Request {
	r := sent.Clone(sent.Context())
	r.RequestURI = sent.URL.RequestURI()
	r.RemoteAddr = "192.0.2.1:1234" // as in package httptest; for documentation (RFC 5737)
	if r.Host == "" {
		r.Host = sent.URL.Host
	}
	if sent.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: sent.URL.Hostname()}
	}
	r.URL = &url.URL{Path: sent.URL.Path, RawPath: sent.URL.RawPath, RawQuery: sent.URL.RawQuery}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return r
}
