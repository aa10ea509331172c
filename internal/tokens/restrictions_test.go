package tokens_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// The restrictions of a client hold for every way to get a token. The test tries each
// restriction with each way. A new way needs a line in ways, a new restriction a line in
// restrictions.

func outcome(a *testkit.Response) *testkit.Issued {
	if a.Status != 200 {
		code, _ := a.JSON()["error"].(string)
		return &testkit.Issued{Code: cmp.Or(code, fmt.Sprint(a.Status))}
	}
	tok := a.Tokens()
	return &testkit.Issued{Scope: tok.Scope, Access: tok.Access, Refresh: tok.Refresh, Expires: fmt.Sprint(tok.Expires)}
}

// direct is a way that takes one request.
func direct(pairs ...string) func(*testkit.Server, *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
	return func(*testkit.Server, *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		return func(s *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			return outcome(s.Exchange(c, append([]string{"scope", scope}, pairs...)...))
		}
	}
}

// withoutClient has the restrictions that don't apply to a token that no client requests.
var withoutClient = []string{"authentication method", "access token lifetime", "family lifetime", "ends with the session"}

var ways = []testkit.Way{
	{Name: "client_credentials", GrantType: "client_credentials", Prepare: direct("grant_type", "client_credentials")},
	{Name: "password", GrantType: "password", ForUser: true, Prepare: direct("grant_type", "password", "username", "alice", "password", testkit.PasswordOf("alice"))},
	{Name: "a grant of the application", GrantType: testkit.VoucherType, ForUser: true, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		n := 0
		return func(s *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			n++
			return outcome(s.Exchange(c, "grant_type", testkit.VoucherType, "voucher", fmt.Sprint("alice-", n, c.ID), "scope", scope))
		}
	}},
	{Name: "a grant without checks", GrantType: testkit.GreedyType, ForUser: true, Prepare: direct("grant_type", testkit.GreedyType)},
	{Name: "authorization_code", GrantType: "authorization_code", ForUser: true, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		code := s.Code(c, "scope", "read write")
		return func(s *testkit.Server, c *testkit.Client, _ string) *testkit.Issued {
			return outcome(s.Exchange(c, c.CodeForm(code)...))
		}
	}},
	{Name: "refresh_token", GrantType: "refresh_token", ForUser: true, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		tok := s.GrantTokens(c, "scope", "read write")
		return func(s *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			return outcome(s.Refresh(c, tok.Refresh, "scope", scope))
		}
	}},
	{Name: "refresh_token of a password", GrantType: "refresh_token", ForUser: true, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		tok := s.SignIn(c, "alice", testkit.PasswordOf("alice"), "scope", "*").Tokens()
		return func(s *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			return outcome(s.Refresh(c, tok.Refresh, "scope", scope))
		}
	}},
	{Name: "implicit", GrantType: "implicit", ForUser: true, Free: []string{"authentication method"}, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		b := s.Browser().SignIn("alice")
		return func(s *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			a := b.Authorize(c, "response_type", "token", "scope", scope, "code_challenge", "", "code_challenge_method", "")
			if a.IsConsent() {
				a = a.Allow()
			}
			return testkit.FromBrowser(a)
		}
	}},
	{Name: "a personal access token", GrantType: "personal_access", ForUser: true, Free: withoutClient, Prepare: func(s *testkit.Server, c *testkit.Client) func(*testkit.Server, *testkit.Client, string) *testkit.Issued {
		s = s.Restart(func(config *passport.Config) {
			config.PersonalAccessClientID, config.PersonalAccessClientSecret, config.PersonalTokenFormat = c.ID, c.Secret, passport.JWT
		})
		return func(_ *testkit.Server, c *testkit.Client, scope string) *testkit.Issued {
			created, err := s.CreateToken(s.T.Context(), testkit.Ref("alice"), "my script", strings.Fields(scope)...)
			switch {
			case errors.Is(err, oauth.InvalidScope):
				return &testkit.Issued{Code: "invalid_scope"}
			case err != nil:
				return &testkit.Issued{Code: testkit.Refused}
			case created.Token.Client.ID != c.ID:
				return &testkit.Issued{Code: testkit.Refused} // another client's
			}
			return &testkit.Issued{Scope: strings.Join(created.Token.Scopes, " "), Access: created.AccessToken}
		}
	}},
}

// restriction is a restriction of a client.
type restriction struct {
	name   string
	before bool // set before prepare; otherwise between prepare and the request

	change func(*oauth.Client)
	check  func(t *testing.T, s *testkit.Server, w testkit.Way, got *testkit.Issued)
}

func refusedWith(codes ...string) func(*testing.T, *testkit.Server, testkit.Way, *testkit.Issued) {
	return func(t *testing.T, _ *testkit.Server, _ testkit.Way, got *testkit.Issued) {
		if !slices.Contains(codes, got.Code) && got.Code != testkit.Refused {

			t.Errorf("the response is %+v, want the error %s", got, strings.Join(codes, " or "))
		}
	}
}

// within fails unless a token was issued with no other scopes than these.
func within(scopes ...string) func(*testing.T, *testkit.Server, testkit.Way, *testkit.Issued) {
	return func(t *testing.T, _ *testkit.Server, _ testkit.Way, got *testkit.Issued) {
		if got.Access == "" || slices.ContainsFunc(strings.Fields(got.Scope), func(id string) bool { return !slices.Contains(scopes, id) }) {
			t.Errorf("the response is %+v, want a token with scopes of %q only", got, scopes)
		}
	}
}

var restrictions = []restriction{
	{"none", false, func(*oauth.Client) {}, within("read", "write", "admin", "*")},
	{"scopes", false, func(c *oauth.Client) { c.Scopes = []string{"read"} }, within("read")},
	{"scopes from the start", true, func(c *oauth.Client) { c.Scopes = []string{"read", "write"} }, within("read", "write")},
	{"no scopes", false, func(c *oauth.Client) { c.Scopes = []string{} }, within()},
	{"suspended", false, func(c *oauth.Client) { c.SuspendedAt = time.Now() }, refusedWith("invalid_client")},
	{"grant types", false, func(c *oauth.Client) { c.GrantTypes = []string{} }, refusedWith("unauthorized_client")},
	{"authentication method", false, func(c *oauth.Client) { c.AuthMethod = oauth.AuthPost }, refusedWith("invalid_client")},
	{"provider", false, func(c *oauth.Client) { c.Provider = "staff" }, func(t *testing.T, s *testkit.Server, w testkit.Way, got *testkit.Issued) {
		if w.ForUser {
			refusedWith("invalid_grant")(t, s, w, got)
		}
	}},
	{"access token lifetime", true, func(c *oauth.Client) { c.AccessTokenTTL = time.Minute }, func(t *testing.T, s *testkit.Server, _ testkit.Way, got *testkit.Issued) {
		if token := s.Stored(t, got); token.ExpiresAt.Sub(token.IssuedAt) != time.Minute {
			t.Errorf("lifetime of the token = %v, want a minute", token.ExpiresAt.Sub(token.IssuedAt))
		}
	}},
	{"family lifetime", true, func(c *oauth.Client) { c.FamilyTTL = 2 * time.Minute }, func(t *testing.T, s *testkit.Server, w testkit.Way, got *testkit.Issued) {
		token := s.Stored(t, got)
		if w.ForUser && w.GrantType != testkit.VoucherType && token.ExpiresAt.After(time.Now().Add(2*time.Minute)) {
			t.Errorf("the token expires at %v, want no later than the client's families", token.ExpiresAt)
		}
	}},
	{"refresh token lifetime", true, func(c *oauth.Client) { c.RefreshTokenTTL = time.Minute }, func(t *testing.T, s *testkit.Server, _ testkit.Way, got *testkit.Issued) {
		if got.Refresh == "" {
			return
		}
		refresh, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(got.Refresh))
		if err != nil || refresh.ExpiresAt.After(time.Now().Add(time.Minute)) {
			t.Errorf("refresh token = %+v, %v, want a lifetime of a minute", refresh, err)
		}
	}},
	{"ends with the session", true, func(c *oauth.Client) { c.EndsWithSession = true }, func(t *testing.T, s *testkit.Server, w testkit.Way, got *testkit.Issued) {
		if token := s.Stored(t, got); w.ForUser && !token.Family.EndsWithSession {
			t.Error("EndsWithSession = false, want true")
		}
	}},
	{"no refresh", true, func(c *oauth.Client) { c.GrantTypes = without(c.GrantTypes, "refresh_token") }, func(t *testing.T, _ *testkit.Server, w testkit.Way, got *testkit.Issued) {
		if got.Refresh != "" {
			t.Error("a client without the grant refresh_token got a refresh token")
		}
	}},
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// changedStore changes clients when they are read, even fields that cannot be updated.
type changedStore struct {
	oauth.Store
	change func(*oauth.Client)
}

func (b *changedStore) Unwrap() oauth.Store { return b.Store }

func (b *changedStore) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := b.Store.Client(ctx, id)
	if err == nil && b.change != nil {
		b.change(c)
	}
	return c, err
}

func TestClientRestrictions_NeverRepeat_A12_D7_D15_E13_EachOnEachGrant(t *testing.T) {
	tried := 0
	for _, w := range ways {
		for _, r := range restrictions {
			t.Run(w.Name+"/"+r.name, func(t *testing.T) {
				store := &changedStore{Store: new(memstore.Store)}
				s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithGrants(testkit.Voucher{}, testkit.Greedy{}), testkit.WithImplicit, func(c *passport.Config) {
					c.Store, c.DefaultScopes = store, []string{"read", "write"}
					c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts("clerk")}
				})
				c := s.Register(passport.Registration{GrantTypes: []string{
					"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", testkit.VoucherType, testkit.GreedyType,
				}})
				if r.before {
					store.change = r.change
				}
				if slices.Contains(w.Free, r.name) || r.name == "no refresh" && w.GrantType == "refresh_token" || r.before && strings.HasSuffix(w.Name, "of a password") && r.name == "scopes from the start" {
					return // the way needs the restricted feature
				}
				ask := w.Prepare(s, c)
				store.change = r.change
				r.check(t, s, w, ask(s, c, ""))
				tried++
			})
		}
	}
	if tried < 100 {
		t.Errorf("%d pairs were tried, want at least 100", tried)
	}
}

// A request for a forbidden scope gets invalid_scope with every grant.
func TestClientRestrictions_NeverRepeat_E13_AskingForMore(t *testing.T) {
	for _, w := range ways {
		if w.Name == "authorization_code" || w.GrantType == testkit.GreedyType {
			continue // the token request has no scope
		}
		s := testkit.NewServer(t, testkit.WithPasswords, testkit.WithGrants(testkit.Voucher{}, testkit.Greedy{}), testkit.WithImplicit)
		c := s.Register(passport.Registration{GrantTypes: []string{"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", testkit.VoucherType}})
		ask := w.Prepare(s, c)
		s.NarrowClient(c, "read")
		for _, scope := range []string{"write", "read write", "*", "read *", "unheard-of"} {
			if got := ask(s, c, scope); got.Code != "invalid_scope" {
				t.Errorf("%s: request for %q by a client with the scope read = %+v, want invalid_scope", w.Name, scope, got)
			}
		}
		if got := ask(s, c, "read"); got.Scope != "read" {
			t.Errorf("%s: request for read by a client with the scope read = %+v, want read", w.Name, got)
		}
	}
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Scopes: []string{"read"}})
	for _, scope := range []string{"write", "read write", "*", "unheard-of"} {
		s.Browser().SignIn("alice").Authorize(c, "scope", scope).WantRedirectError("invalid_scope")
	}
}

// The type of a client is fixed when it is created. A confidential client always needs a
// secret, and a public client never has one, regardless of later changes.
func TestClientRestrictions_NeverRepeat_C5_KindIsFixed(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c, spa := s.Web(), s.Spa()
	tok := s.GrantTokens(c)
	if !spa.Public() || spa.Secret != "" || len(spa.Secrets) != 0 || c.Public() || c.Secret == "" {
		t.Fatalf("created clients = %+v and %+v, want one with a secret and one without", c.Client, spa.Client)
	}
	s.Change(c, func(stored *oauth.Client) { stored.AuthMethod = oauth.AuthNone }) // the store ignores this
	stored, err := s.Store.Client(t.Context(), c.ID)
	if err != nil || stored.Public() {
		t.Errorf("client after a change of AuthMethod = %+v, %v, want it confidential", stored, err)
	}
	s.ExpireSecrets(c)
	bare := *c
	bare.Secret = ""
	s.Refresh(&bare, tok.Refresh).WantJSONError(401, "invalid_client")
	s.Refresh(c, tok.Refresh).WantJSONError(401, "invalid_client")
	// A secret does not make a public client confidential. A request with the secret is
	// refused.
	s.AddSecret(spa.ID, "given", time.Time{})
	armed := *spa
	armed.Secret = "given"
	code := s.Code(spa)
	s.Exchange(&armed, spa.CodeForm(code)...).WantJSONError(401, "invalid_client")
	s.Redeem(spa, code)
}
