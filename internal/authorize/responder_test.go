package authorize_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A responder of the application issues a token with its own lifetime and scopes.
func TestResponder_Custom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithResponder(func(r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
			if r.Params.Get("state") == "refuse" {
				return nil, oauth.AccessDenied.Errorf("no badge for %s", r.Client.Name)
			}
			a := testkit.Badge(r)
			a.Scopes, a.AccessTokenTTL, a.Attributes = nil, time.Minute, map[string]string{"door": "7"}
			r.Family.CreatedAt = time.Now().Add(time.Hour) // a copy, so this has no effect
			return a, nil
		}))
		c, b := s.Board(passport.Registration{GrantTypes: []string{testkit.BadgeType}}), s.Browser().SignIn("alice")
		response := b.AuthorizeToken(c, "response_type", "badge").Allow().Fragment()
		if response.Get("expires_in") != "60" || !response.Has("scope") || response.Get("scope") != "" {
			t.Errorf("response = %v, want expires_in of a minute and the reduced scope (RFC 6749 §4.2.2)", response)
		}
		row := s.Row(response.Get("access_token"))
		if row.Attributes["door"] != "7" || len(row.Scopes) != 0 || !row.Family.CreatedAt.Equal(row.IssuedAt) || !row.Family.ExpiresAt.Equal(row.ExpiresAt) {
			t.Errorf("row = %+v, family = %+v", row, row.Family)
		}
		if issued := testkit.EventsOf[passport.AccessTokenIssued](s); len(issued) != 1 || issued[0].GrantType != testkit.BadgeType {
			t.Errorf("AccessTokenIssued events = %+v", issued)
		}
		if refused := b.AuthorizeToken(c, "response_type", "badge", "state", "refuse").Fragment(); refused.Get("error") != "access_denied" || refused.Get("error_description") != "no badge for Example App" {
			t.Errorf("response = %v, want the error of the responder", refused)
		}
		b.AuthorizeToken(c).WantRedirectError("unsupported_response_type") // the implicit grant is still off
		time.Sleep(time.Minute)
		s.WantAdmits(response.Get("access_token"), false, "after the lifetime that the responder set")
	})
}

// A responder can neither exceed the user's consent nor issue more than one access
// token. The log names the fault, and nothing is written.
func TestResponder_CannotOverstep(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(a *oauth.Authorization)
		log    string
	}{
		"another user":      {func(a *oauth.Authorization) { a.Subject = oauth.ForUser(testkit.Ref("bob")) }, "the consenting user"},
		"the client itself": {func(a *oauth.Authorization) { a.Subject = oauth.ForClient() }, "the consenting user"},
		"no subject":        {func(a *oauth.Authorization) { a.Subject = oauth.Subject{} }, "the consenting user"},
		"another family":    {func(a *oauth.Authorization) { a.Family = &oauth.Family{ID: "other"} }, "its family"},
		"a refresh token":   {func(a *oauth.Authorization) { a.Refresh = true }, "refresh token"},
		"refresh scopes":    {func(a *oauth.Authorization) { a.RefreshScopes = []string{"admin"} }, "refresh token"},
		"a retried token":   {func(a *oauth.Authorization) { a.Retried = &oauth.RefreshToken{} }, "refresh token"},
		"a code":            {func(a *oauth.Authorization) { a.Spends = oauth.Spend{Purpose: oauth.SpendCode, ID: "x"} }, "one-time value"},
		"another ticket":    {func(a *oauth.Authorization) { a.Spends = oauth.Spend{Purpose: oauth.SpendTicket, ID: "x"} }, "one-time value"},
		"more scopes":       {func(a *oauth.Authorization) { a.Scopes = []string{"read", "admin"} }, "has not agreed to"},
		"all scopes":        {func(a *oauth.Authorization) { a.Scopes = []string{"*"} }, "has not agreed to"},
		"another audience":  {func(a *oauth.Authorization) { a.Resources = []string{"https://other.example"} }, "has not agreed to"},
	} {
		t.Run(name, func(t *testing.T) {
			s, store := testkit.Watched(t, testkit.WithResponder(func(r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
				a := testkit.Badge(r)
				tt.change(a)
				return a, nil
			}))
			c := s.Board(passport.Registration{GrantTypes: []string{testkit.BadgeType}})
			a := s.Browser().SignIn("alice").AuthorizeToken(c, "response_type", "badge").Allow().WantFragmentError("server_error")
			if a.Fragment().Get("error_description") != "" || store.Count("Issue") != 0 {
				t.Errorf("response = %v, and %d tokens were stored; want no description and no token", a.Fragment(), store.Count("Issue"))
			}
			if !strings.Contains(s.Log.String(), tt.log) {
				t.Errorf("the log does not contain %q: %s", tt.log, s.Log)
			}
		})
	}
	for name, f := range map[string]testkit.Responder{
		"nothing": func(*oauth.AuthorizationRequest) (*oauth.Authorization, error) { return nil, nil },
		"a fault": func(*oauth.AuthorizationRequest) (*oauth.Authorization, error) {
			return nil, errors.New("the badges are unavailable")
		},
	} {
		s := testkit.NewServer(t, testkit.WithResponder(f))
		a := s.Browser().SignIn("alice").AuthorizeToken(s.Board(passport.Registration{GrantTypes: []string{testkit.BadgeType}}), "response_type", "badge").Allow()
		if a.WantFragmentError("server_error"); strings.Contains(a.Body, "badges") {
			t.Errorf("%s: the response is %s, want no details", name, a)
		}
	}
	// A token for another API cannot become a token for this server.
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://one.example"} }, testkit.WithResponder(func(r *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
		a := testkit.Badge(r)
		a.Resources = nil
		return a, nil
	}))
	c := s.Board(passport.Registration{GrantTypes: []string{testkit.BadgeType}})
	s.Browser().SignIn("alice").AuthorizeToken(c, "response_type", "badge", "resource", "https://one.example").Allow().WantFragmentError("server_error")
}

// New returns an error for invalid Config.Responders.
func TestConfig_Responders(t *testing.T) {
	var missing *namedResponder
	for name, tt := range map[string]struct {
		responders []oauth.Responder
		want       string
	}{
		"nil":              {[]oauth.Responder{nil}, "Responders[0] is nil"},
		"a nil pointer":    {[]oauth.Responder{missing}, "Responders[0] is nil"},
		"no response type": {[]oauth.Responder{&namedResponder{grant: "x"}}, "has no ResponseType"},
		"no grant type":    {[]oauth.Responder{&namedResponder{response: "x"}}, "has no GrantType"},
		"code":             {[]oauth.Responder{&namedResponder{"code", "x"}}, `second responder for response_type "code"`},
		"enabled token":    {[]oauth.Responder{&namedResponder{"token", "x"}}, `second responder for response_type "token"`},
		"two of one type":  {[]oauth.Responder{&namedResponder{"x", "x"}, &namedResponder{"x", "y"}}, `second responder for response_type "x"`},
		"a built-in grant": {[]oauth.Responder{&namedResponder{"x", "authorization_code"}}, "belongs to"},
	} {
		c := testkit.PlainConfig(t)
		c.EnableImplicitGrant, c.Responders = true, tt.responders
		if _, err := passport.New(c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: New() = %v, want %q", name, err, tt.want)
		}
	}
}

type namedResponder struct{ response, grant string }

func (n *namedResponder) ResponseType() string { return n.response }
func (n *namedResponder) GrantType() string    { return n.grant }
func (n *namedResponder) Respond(context.Context, *oauth.AuthorizationRequest) (*oauth.Authorization, error) {
	return nil, errors.New("never called")
}
