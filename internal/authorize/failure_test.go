package authorize_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// When the redirect URI is known, the client gets an error code, because a redirect
// cannot carry the status 500 or 503 (RFC 6749 §4.1.2.1). Before that, the user gets a
// page with that status. Only the log has the details.
func TestAuthorize_AZ_22_NeverRepeat_D1_TheStoreFails(t *testing.T) {
	const secretText = "dial tcp 10.0.0.7:5432: password authentication failed"
	failures := map[string]error{
		"temporarily_unavailable": fmt.Errorf("%s: %w", secretText, oauth.ErrUnavailable),
		"server_error":            errors.New(secretText),
	}
	requests := map[string]struct {
		verbs []string
		send  func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response
	}{
		"a request": {[]string{"Client", "Consented"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			fail()
			return b.Authorize(c)
		}},
		"a request with prompt=none": {[]string{"Client", "Consented", "Begin"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			b.Authorize(c).Allow()
			fail()
			return b.Authorize(c, "prompt", "none")
		}},
		"remembered consent": {[]string{"Client", "Consented", "Begin"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			b.Authorize(c).Allow()
			fail()
			return b.Authorize(c)
		}},
		"allowing": {[]string{"Client", "Consented", "Begin"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			page := b.Authorize(c)
			fail()
			return page.Allow()
		}},
		"denying": {[]string{"Client", "UseOnce"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			page := b.Authorize(c)
			fail()
			return page.Deny()
		}},
		"allowing again": {[]string{"Client", "Consented", "Code"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			clicks := b.Authorize(c).Clicks(2, "allow")
			b.Server.Do(clicks[0])
			fail()
			a := b.Server.Do(clicks[1])
			a.From = b
			return a
		}},
		"denying after allowing": {[]string{"Client", "Code"}, func(b *testkit.Browser, c *testkit.Client, fail func()) *testkit.Response {
			clicks := b.Authorize(c).Clicks(2, "allow", "deny")
			b.Server.Do(clicks[0])
			fail()
			a := b.Server.Do(clicks[1])
			a.From = b
			return a
		}},
	}
	for name, request := range requests {
		for _, verb := range request.verbs {
			for code, failure := range failures {
				t.Run(fmt.Sprintf("%s, %s, %s", name, verb, code), func(t *testing.T) {
					watched := &testkit.WatchedStore{}
					s := testkit.NewServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
					c, b := s.Web(), s.Browser().SignIn("alice")
					events := len(testkit.EventsOf[passport.ConsentGiven](s))
					a := request.send(b, c, func() {
						watched.Failing(verb, failure)
						events = len(testkit.EventsOf[passport.ConsentGiven](s))
					})
					if verb == "Client" {
						a.WantPage(map[string]int{"temporarily_unavailable": 503, "server_error": 500}[code], "Nothing was allowed")
						if retry := a.Header.Get("Retry-After"); (retry == "3") != (code == "temporarily_unavailable") {
							t.Errorf("Retry-After = %q for %s", retry, code)
						}
					} else {
						a.WantRedirectError(code)
						if a.Params().Get("state") != testkit.DefaultState {
							t.Errorf("the parameters of the response are %v, want the state of the request", a.Params())
						}
					}
					if strings.Contains(a.Body+a.Target(), "10.0.0.7") || !strings.Contains(s.Log.String(), secretText) {
						t.Errorf("the details of the failure must be in the log and not in the response: %s", a)
					}
					if len(testkit.EventsOf[passport.ConsentGiven](s)) != events {
						t.Error("an event was published for a consent that was not stored")
					}
					watched.Failing("", nil)
					if a := b.Authorize(c); !a.IsConsent() && a.Code() == "" {
						t.Errorf("after the failure: %s, want a page or a code", a)
					}
				})
			}
		}
	}
}

// After a temporary failure of the store, the user can repeat the decision.
func TestAuthorize_AZ_22_TheDecisionCanBeRepeated(t *testing.T) {
	watched := &testkit.WatchedStore{}
	s := testkit.NewServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	watched.Failing("Begin", oauth.ErrUnavailable)
	page.Allow().WantRedirectError("temporarily_unavailable")
	watched.Failing("", nil)
	s.Redeem(c, page.Allow().Code())
}

// If the application's users cannot be read, or a returned user is not valid, the
// client gets server_error and the log says why. No token is issued.
func TestAuthorize_AZ_22_TheUserProviderFails(t *testing.T) {
	for name, tt := range map[string]struct {
		user *passport.User
		err  error
		want string // error
		log  string
	}{
		"an error":           {nil, errors.New("session store: connection refused"), "server_error", "connection refused"},
		"unavailable":        {nil, fmt.Errorf("session store: %w", oauth.ErrUnavailable), "temporarily_unavailable", "session store"},
		"no user, no error":  {nil, nil, "server_error", "return oauth.ErrNotFound if no user is signed in"},
		"an empty ID":        {&passport.User{Name: "Ada"}, nil, "server_error", "a user without an ID"},
		"an ID with a NUL":   {&passport.User{ID: "a\x00"}, nil, "server_error", "an ID that cannot be stored"},
		"an ID, not UTF-8":   {&passport.User{ID: "\xff"}, nil, "server_error", "an ID that cannot be stored"},
		"an ID of 256 bytes": {&passport.User{ID: strings.Repeat("a", 256)}, nil, "server_error", "an ID that cannot be stored"},
		"an OAuth error":     {nil, oauth.AccessDenied.Errorf("the account is locked"), "access_denied", "the account is locked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c, b := s.Web(), s.Browser().SignIn("alice")
			page := b.Authorize(c)
			s.Users.With(func() {
				s.Users.Current = func(*passport.User) (*passport.User, error) { return tt.user, tt.err }
			})
			for _, a := range []*testkit.Response{b.Authorize(c), b.Authorize(c, "prompt", "none"), page.Allow(), page.Deny()} {
				a.WantRedirectError(tt.want)
			}
			if !strings.Contains(s.Log.String(), tt.log) {
				t.Errorf("the log does not contain %q: %s", tt.log, s.Log)
			}
		})
	}
	t.Run("an ID of 255 bytes", func(t *testing.T) {
		s := testkit.NewServer(t)
		id := strings.Repeat("é", 127) + "a"
		s.Users.ByID[id] = &passport.User{ID: id}
		c := s.Web()
		s.Redeem(c, s.Browser().SignIn(id).Authorize(c).Allow().Code())
	})
}

// A redirect to an empty URL would loop forever.
func TestAuthorize_AZ_22_NoSignInPage(t *testing.T) {
	s := testkit.NewServer(t)
	s.Users.NoSignIn = true
	s.Browser().Authorize(s.Web()).WantRedirectError("server_error")
	if !strings.Contains(s.Log.String(), `SignInURL of the provider \"users\" returned nothing`) {
		t.Errorf("the log does not name the fault: %s", s.Log)
	}
}

// The client belongs to a provider that was removed from the configuration.
func TestAuthorize_AZ_22_RemovedProvider(t *testing.T) {
	with := testkit.NewServer(t, func(c *passport.Config) {
		c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts("alice")}
	})
	c := with.Register(passport.Registration{Provider: "staff"})
	s := with.Restart(func(c *passport.Config) { c.Providers = nil })
	s.Browser().Authorize(c).WantRedirectError("server_error")
	if !strings.Contains(s.Log.String(), `names the user provider \"staff\", which Config does not have`) {
		t.Errorf("the log does not name the fault: %s", s.Log)
	}
}

// A request that prefers JSON to HTML gets errors as JSON, with the status of the page.
// See also [TestAuthorizeJSON_Errors].
func TestAuthorize_ErrorsAsJSON(t *testing.T) {
	watched := &testkit.WatchedStore{}
	s := testkit.NewServer(t, func(c *passport.Config) { watched.Store, c.Store = c.Store, watched })
	c, b := s.Web(), s.Browser().SignIn("alice")
	for accept, asJSON := range map[string]bool{
		"application/json": true, "application/json;q=0.9, text/html": true, "application/json, */*": true, "Application/JSON; charset=utf-8": true,
		"text/html, application/json": false, "*/*": false, "": false, "application/jsonp": false, "text/plain": false, ";;,,q=": false,
	} {
		b.Header.Set("Accept", accept)
		a := b.Authorize(c, "client_id", "unknown")
		if !asJSON {
			a.WantPage(400)
			continue
		}
		a.WantJSONError(400, "invalid_client")
		if got := a.JSON(); len(got) != 2 || got["error_description"] != "there is no app with this client_id" {
			t.Errorf("Accept %q: the error is %v", accept, got)
		}
	}
	b.Header.Set("Accept", "application/json")
	b.Authorize(c, "redirect_uri", "https://evil.example/").WantJSONError(400, "invalid_request")
	b.Header.Set("Sec-Fetch-Site", "same-origin")
	b.Authorize(c, "prompt", "consent").DecideWith("x", "allow").WantJSONError(400, "invalid_request")
	b.Send(b.NewRequest("DELETE", "/oauth/authorize", "", nil)).WantJSONError(405, "invalid_request")
	watched.Failing("Client", oauth.ErrUnavailable)
	if a := b.Authorize(c).WantJSONError(503, "temporarily_unavailable"); a.Header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After = %q", a.Header.Get("Retry-After"))
	}
	watched.Failing("Client", errors.New("secret detail"))
	if a := b.Authorize(c).WantJSONError(500, "server_error"); len(a.JSON()) != 1 {
		t.Errorf("the response to a fault is %s, want no details", a.Body)
	}
}

// Each response has a request ID that is also in the log. No response contains a
// secret or its digest.
func TestAuthorize_NeverRepeat_C9_NoSecretIsShown(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser()
	var all strings.Builder
	for _, a := range []*testkit.Response{
		b.Authorize(c), b.SignIn("alice").Authorize(c), b.Authorize(c, "client_id", "unknown"), b.Authorize(c, "scope", "nothing"),
		b.Authorize(c).Allow(), b.Authorize(c), s.Do(httptest.NewRequest("GET", testkit.Issuer+"/.well-known/oauth-authorization-server", nil)),
	} {
		id := a.Header.Get("X-Request-Id")
		if id == "" {
			t.Errorf("a response has no request ID: %s", a)
		}
		if a.Status >= 400 && (!strings.Contains(a.Body, id) || !strings.Contains(s.Log.String(), id)) {
			t.Errorf("the request ID %s is not on the page, or not in the log", id)
		}
		fmt.Fprintln(&all, a.Header, a.Body)
	}
	stored, err := s.Store.Client(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"client secret": c.Secret, "digest of the client secret": string(stored.Secrets[0].Digest), "session": b.Session(),
		"digest of the session": string(oauth.DigestOf(b.Session())),
	} {
		if strings.Contains(all.String(), secret) || strings.Contains(s.Log.String(), secret) {
			t.Errorf("the %s is in a response or in the log", name)
		}
	}
	code := b.Authorize(c).Code()
	if strings.Contains(s.Log.String(), code) || strings.Contains(s.Log.String(), testkit.DefaultState) {
		t.Error("the log has a code or a state")
	}
}

// A browser that disconnects is not logged as a server error.
func TestAuthorize_AZ_22_Disconnected(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	s.Users.With(func() { s.Users.Failure = errors.New("context canceled") })
	b := s.Browser()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.NewRequest("GET", "/oauth/authorize?"+c.Request().Encode(), "", http.Header{}).WithContext(ctx)
	b.Send(r)
	if log := s.Log.String(); strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "canceled by the client") {
		t.Errorf("the log is %s, want a line about the disconnected client and no error", log)
	}
}
