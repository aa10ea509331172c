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

// HTTPClient returns a client that talks to what is served, in process, and keeps
// cookies of its own, as a browser does. An address may leave out scheme and
// host: "/api/orders" is one of the issuer's. Redirects are followed as long as
// they stay there; one to elsewhere, such as a client's redirect URI, is the
// answer.
//
// A request reaches the handler with its context, so [ActingAs] holds for it too.
func (s *Server) HTTPClient() *http.Client {
	return s.client(func(r *http.Request) *http.Request { return r })
}

// SignedIn is [Server.HTTPClient] for a browser in which a user of the default
// provider is signed in, as far as Passport asks: the authorization endpoint,
// and whatever else goes by CurrentUser. Pages of the application know by its own
// session; to be signed in there too, sign in at its page.
func (s *Server) SignedIn(user *passport.User) *http.Client {
	s.t.Helper()
	return s.SignedInUserOf(passport.DefaultProvider, user)
}

// SignedInUserOf is [Server.SignedIn] for a user of another provider.
func (s *Server) SignedInUserOf(provider string, user *passport.User) *http.Client {
	s.t.Helper()
	if user == nil || user.ID == "" {
		s.t.Fatal("passporttest: sign in: a user with an ID is needed")
	}
	return s.client(func(r *http.Request) *http.Request { return r.WithContext(signIn(r.Context(), provider, user)) })
}

func signIn(ctx context.Context, provider string, user *passport.User) context.Context {
	return context.WithValue(ctx, signedInKey{}, signedIn{provider, user})
}

// client returns one whose requests are changed by prepare.
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

// stayHere ends the following of redirects where they leave the issuer's host.
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

// jar keeps the cookies of addresses without a host as those of the issuer.
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
		return nil, fmt.Errorf("passporttest: %s is not served here: requests go to %s alone", target.Redacted(), t.server.issuer)
	}
	sent := r.Clone(r.Context())
	sent.URL = target
	w := httptest.NewRecorder()
	t.server.handler.ServeHTTP(w, t.prepare(received(sent)))
	answer := w.Result()
	answer.Request = sent
	return answer, nil
}

// received returns a request as a server receives it that was sent by a client.
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
