package passport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Once it is known where the client is, it is told what failed: a redirect
// cannot carry the status 500 or 503 (RFC 6749 §4.1.2.1). Before that it is a
// page with that status. What failed is in the log alone.
func TestAuthorize_AZ_22_NeverRepeat_D1_TheStoreFails(t *testing.T) {
	const secretText = "dial tcp 10.0.0.7:5432: password authentication failed"
	failures := map[string]error{
		"temporarily_unavailable": fmt.Errorf("%s: %w", secretText, oauth.ErrUnavailable),
		"server_error":            errors.New(secretText),
	}
	requests := map[string]struct {
		verbs []string
		send  func(b *browser, c *client, fail func()) *answer
	}{
		"a request": {[]string{"Client", "Consented"}, func(b *browser, c *client, fail func()) *answer {
			fail()
			return b.authorize(c)
		}},
		"a request with prompt=none": {[]string{"Client", "Consented", "Begin"}, func(b *browser, c *client, fail func()) *answer {
			b.authorize(c).allow()
			fail()
			return b.authorize(c, "prompt", "none")
		}},
		"remembered consent": {[]string{"Client", "Consented", "Begin"}, func(b *browser, c *client, fail func()) *answer {
			b.authorize(c).allow()
			fail()
			return b.authorize(c)
		}},
		"allowing": {[]string{"Client", "Consented", "Begin"}, func(b *browser, c *client, fail func()) *answer {
			page := b.authorize(c)
			fail()
			return page.allow()
		}},
		"denying": {[]string{"Client", "UseOnce"}, func(b *browser, c *client, fail func()) *answer {
			page := b.authorize(c)
			fail()
			return page.deny()
		}},
		"allowing again": {[]string{"Client", "Consented", "Code"}, func(b *browser, c *client, fail func()) *answer {
			clicks := b.authorize(c).clicks(2, "allow")
			b.server.do(clicks[0])
			fail()
			a := b.server.do(clicks[1])
			a.from = b
			return a
		}},
		"denying what was allowed": {[]string{"Client", "Code"}, func(b *browser, c *client, fail func()) *answer {
			clicks := b.authorize(c).clicks(2, "allow", "deny")
			b.server.do(clicks[0])
			fail()
			a := b.server.do(clicks[1])
			a.from = b
			return a
		}},
	}
	for name, request := range requests {
		for _, verb := range request.verbs {
			for code, failure := range failures {
				t.Run(fmt.Sprintf("%s, %s, %s", name, verb, code), func(t *testing.T) {
					watched := &watchedStore{}
					s := newServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
					c, b := s.web(), s.browser().signIn("alice")
					events := len(eventsOf[passport.ConsentGiven](s))
					a := request.send(b, c, func() {
						watched.failing(verb, failure)
						events = len(eventsOf[passport.ConsentGiven](s))
					})
					if verb == "Client" {
						a.wantPage(map[string]int{"temporarily_unavailable": 503, "server_error": 500}[code], "Nothing was allowed")
						if retry := a.header.Get("Retry-After"); (retry == "3") != (code == "temporarily_unavailable") {
							t.Errorf("Retry-After = %q", retry)
						}
					} else {
						a.wantRedirectError(code)
						if a.params().Get("state") != defaultState {
							t.Errorf("the client is told %v", a.params())
						}
					}
					if strings.Contains(a.body+a.target(), "10.0.0.7") || !strings.Contains(s.log.String(), secretText) {
						t.Errorf("what failed belongs into the log, not into the answer: %s", a)
					}
					if len(eventsOf[passport.ConsentGiven](s)) != events {
						t.Error("an event tells of what was not stored")
					}
					watched.failing("", nil)
					if a := b.authorize(c); !a.isConsent() && a.code() == "" {
						t.Errorf("afterwards nothing works: %s", a)
					}
				})
			}
		}
	}
}

// The user's decision survives a store that was away for a moment.
func TestAuthorize_AZ_22_TheDecisionCanBeRepeated(t *testing.T) {
	watched := &watchedStore{}
	s := newServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorize(c)
	watched.failing("Begin", oauth.ErrUnavailable)
	page.allow().wantRedirectError("temporarily_unavailable")
	watched.failing("", nil)
	s.redeem(c, page.allow().code())
}

// An application whose users cannot be read, or that returns what cannot be an
// account, gets server_error and a line in the log, never a token of nobody's.
func TestAuthorize_AZ_22_TheUserProviderFails(t *testing.T) {
	for name, tt := range map[string]struct {
		user *passport.User
		err  error
		want string // error
		log  string
	}{
		"an error":            {nil, errors.New("session store: connection refused"), "server_error", "connection refused"},
		"unavailable":         {nil, fmt.Errorf("session store: %w", oauth.ErrUnavailable), "temporarily_unavailable", "session store"},
		"nobody, no error":    {nil, nil, "server_error", "return oauth.ErrNotFound for nobody"},
		"an empty ID":         {&passport.User{Name: "Nobody"}, nil, "server_error", "a user without an ID"},
		"an ID with a NUL":    {&passport.User{ID: "a\x00"}, nil, "server_error", "an ID that cannot be stored"},
		"an ID, not UTF-8":    {&passport.User{ID: "\xff"}, nil, "server_error", "an ID that cannot be stored"},
		"an ID of 256 bytes":  {&passport.User{ID: strings.Repeat("a", 256)}, nil, "server_error", "an ID that cannot be stored"},
		"an error for people": {nil, oauth.AccessDenied.Errorf("the account is locked"), "access_denied", "the account is locked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, b := s.web(), s.browser().signIn("alice")
			page := b.authorize(c)
			s.users.with(func() {
				s.users.current = func(*passport.User) (*passport.User, error) { return tt.user, tt.err }
			})
			for _, a := range []*answer{b.authorize(c), b.authorize(c, "prompt", "none"), page.allow(), page.deny()} {
				a.wantRedirectError(tt.want)
			}
			if !strings.Contains(s.log.String(), tt.log) {
				t.Errorf("the log does not say %q: %s", tt.log, s.log)
			}
		})
	}
	t.Run("an ID of 255 bytes", func(t *testing.T) {
		s := newServer(t)
		id := strings.Repeat("é", 127) + "a"
		s.users.byID[id] = &passport.User{ID: id}
		c := s.web()
		s.redeem(c, s.browser().signIn(id).authorize(c).allow().code())
	})
}

// A redirect to nowhere would come back here for ever.
func TestAuthorize_AZ_22_NoSignInPage(t *testing.T) {
	s := newServer(t)
	s.users.noSignIn = true
	s.browser().authorize(s.web()).wantRedirectError("server_error")
	if !strings.Contains(s.log.String(), `SignInURL of the provider \"users\" returned nothing`) {
		t.Errorf("the log does not say what is wrong: %s", s.log)
	}
}

// A client that names a provider which was taken out of the configuration.
func TestAuthorize_AZ_22_TheProviderIsGone(t *testing.T) {
	with := newServer(t, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{"staff": newAccounts("alice")}
	})
	c := with.register(passport.Registration{Provider: "staff"})
	s := with.restart(func(c *passport.Config) { c.Providers = nil })
	s.browser().authorize(c).wantRedirectError("server_error")
	if !strings.Contains(s.log.String(), `names the user provider \"staff\", which Config does not have`) {
		t.Errorf("the log does not say what is wrong: %s", s.log)
	}
}

// Who asks for JSON before HTML gets errors as JSON, with the status of the page;
// see also [TestAuthorizeJSON_Errors].
func TestAuthorize_ErrorsAsJSON(t *testing.T) {
	watched := &watchedStore{}
	s := newServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
	c, b := s.web(), s.browser().signIn("alice")
	for accept, asJSON := range map[string]bool{
		"application/json": true, "application/json;q=0.9, text/html": true, "application/json, */*": true, "Application/JSON; charset=utf-8": true,
		"text/html, application/json": false, "*/*": false, "": false, "application/jsonp": false, "text/plain": false, ";;,,q=": false,
	} {
		b.header.Set("Accept", accept)
		a := b.authorize(c, "client_id", "nobody")
		if !asJSON {
			a.wantPage(400)
			continue
		}
		a.wantJSONError(400, "invalid_client")
		if got := a.json(); len(got) != 2 || got["error_description"] != "there is no app with this client_id" {
			t.Errorf("Accept %q: the error is %v", accept, got)
		}
	}
	b.header.Set("Accept", "application/json")
	b.authorize(c, "redirect_uri", "https://evil.example/").wantJSONError(400, "invalid_request")
	b.header.Set("Sec-Fetch-Site", "same-origin")
	b.authorize(c, "prompt", "consent").answerWith("x", "allow").wantJSONError(400, "invalid_request")
	b.send(b.newRequest("DELETE", "/oauth/authorize", "", nil)).wantJSONError(405, "invalid_request")
	watched.failing("Client", oauth.ErrUnavailable)
	if a := b.authorize(c).wantJSONError(503, "temporarily_unavailable"); a.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After = %q", a.header.Get("Retry-After"))
	}
	watched.failing("Client", errors.New("secret detail"))
	if a := b.authorize(c).wantJSONError(500, "server_error"); len(a.json()) != 1 {
		t.Errorf("a fault is answered %s", a.body)
	}
}

// Each answer has an ID under which the log says more, and no answer holds what
// is kept in place of a secret.
func TestAuthorize_NeverRepeat_C9_NothingSecretIsShown(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser()
	var all strings.Builder
	for _, a := range []*answer{
		b.authorize(c), b.signIn("alice").authorize(c), b.authorize(c, "client_id", "nobody"), b.authorize(c, "scope", "nothing"),
		b.authorize(c).allow(), b.authorize(c), s.do(httptest.NewRequest("GET", issuer+"/.well-known/oauth-authorization-server", nil)),
	} {
		id := a.header.Get("X-Request-Id")
		if id == "" {
			t.Errorf("an answer has no request ID: %s", a)
		}
		if a.status >= 400 && (!strings.Contains(a.body, id) || !strings.Contains(s.log.String(), id)) {
			t.Errorf("the request ID %s is not on the page, or not in the log", id)
		}
		fmt.Fprintln(&all, a.header, a.body)
	}
	stored, err := s.store.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"client secret": c.secret, "digest of the client secret": string(stored.Secrets[0].Digest), "session": b.session(),
		"digest of the session": string(oauth.DigestOf(b.session())),
	} {
		if strings.Contains(all.String(), secret) || strings.Contains(s.log.String(), secret) {
			t.Errorf("the %s is shown or logged", name)
		}
	}
	code := b.authorize(c).code()
	if strings.Contains(s.log.String(), code) || strings.Contains(s.log.String(), defaultState) {
		t.Error("the log has a code or a state")
	}
}

// A browser that has gone away is no fault of the server's.
func TestAuthorize_AZ_22_GivenUp(t *testing.T) {
	s := newServer(t)
	c := s.web()
	s.users.with(func() { s.users.failure = errors.New("context canceled") })
	b := s.browser()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.newRequest("GET", "/oauth/authorize?"+c.request().Encode(), "", http.Header{}).WithContext(ctx)
	b.send(r)
	if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "given up by the client") {
		t.Errorf("the log says %s", log)
	}
}
