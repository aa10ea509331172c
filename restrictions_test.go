package passport_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// What a client is restricted to holds on every way to a token, also on one that
// somebody adds later: each restriction is tried on each way. A new way is a line in
// ways, a new restriction one in restrictions.

// way is one way to a token of a client's.
type way struct {
	name      string
	grantType string // that the client needs for it
	forUser   bool
	free      []string // of restrictions that say nothing of it

	// prepare goes as far as one gets before the token itself: to a code, to a
	// refresh token. What it returns asks for the token, for the scopes that are
	// given or for what prepare asked for.
	prepare func(s *server, c *client) func(s *server, c *client, scope string) *issued
}

// issued is what came of asking.
type issued struct {
	code    string // of the error
	scope   string
	access  string
	refresh string
	expires string // as the client is told: expires_in
}

// refused is the code of an error that no client is told.
const refused = "refused"

func outcome(a *answer) *issued {
	if a.status != 200 {
		code, _ := a.json()["error"].(string)
		return &issued{code: cmp.Or(code, fmt.Sprint(a.status))}
	}
	tok := a.tokens()
	return &issued{scope: tok.Scope, access: tok.Access, refresh: tok.Refresh, expires: fmt.Sprint(tok.Expires)}
}

// fromBrowser is the outcome of a request to the authorization endpoint: in the
// fragment, on a page, or that nobody of the client's users is signed in.
func fromBrowser(a *answer) *issued {
	u, err := url.Parse(a.target())
	if err != nil {
		a.t.Fatal(err)
	}
	params, err := url.ParseQuery(u.Fragment)
	switch {
	case err != nil:
		a.t.Fatal(err)
	case u.Path == "/login":
		return &issued{code: refused}
	case a.target() == "":
		return &issued{code: first(pageCode, a.body)}
	}
	return &issued{code: params.Get("error"), scope: params.Get("scope"), access: params.Get("access_token"), expires: params.Get("expires_in")}
}

var pageCode = regexp.MustCompile(`(invalid_[a-z]+)`)

// direct is a way of one request.
func direct(pairs ...string) func(*server, *client) func(*server, *client, string) *issued {
	return func(*server, *client) func(*server, *client, string) *issued {
		return func(s *server, c *client, scope string) *issued {
			return outcome(s.exchange(c, append([]string{"scope", scope}, pairs...)...))
		}
	}
}

// withoutClient is what says nothing of a token that no client asks for.
var withoutClient = []string{"authentication method", "life of access tokens", "life of families", "ends with the session"}

var ways = []way{
	{"client_credentials", "client_credentials", false, nil, direct("grant_type", "client_credentials")},
	{"password", "password", true, nil, direct("grant_type", "password", "username", "alice", "password", passwordOf("alice"))},
	{"a grant of the application's own", voucherType, true, nil, func(s *server, c *client) func(*server, *client, string) *issued {
		n := 0
		return func(s *server, c *client, scope string) *issued {
			n++
			return outcome(s.exchange(c, "grant_type", voucherType, "voucher", fmt.Sprint("alice-", n, c.ID), "scope", scope))
		}
	}},
	{"a grant that asks nobody", greedyType, true, nil, direct("grant_type", greedyType)},
	{"authorization_code", "authorization_code", true, nil, func(s *server, c *client) func(*server, *client, string) *issued {
		code := s.code(c, "scope", "read write")
		return func(s *server, c *client, _ string) *issued { return outcome(s.exchange(c, c.codeForm(code)...)) }
	}},
	{"refresh_token", "refresh_token", true, nil, func(s *server, c *client) func(*server, *client, string) *issued {
		tok := s.grantTokens(c, "scope", "read write")
		return func(s *server, c *client, scope string) *issued {
			return outcome(s.refresh(c, tok.Refresh, "scope", scope))
		}
	}},
	{"refresh_token of a password", "refresh_token", true, nil, func(s *server, c *client) func(*server, *client, string) *issued {
		tok := s.signIn(c, "alice", passwordOf("alice"), "scope", "*").tokens()
		return func(s *server, c *client, scope string) *issued {
			return outcome(s.refresh(c, tok.Refresh, "scope", scope))
		}
	}},
	{"implicit", "implicit", true, []string{"authentication method"}, func(s *server, c *client) func(*server, *client, string) *issued {
		b := s.browser().signIn("alice")
		return func(s *server, c *client, scope string) *issued {
			a := b.authorize(c, "response_type", "token", "scope", scope, "code_challenge", "", "code_challenge_method", "")
			if a.isConsent() {
				a = a.allow()
			}
			return fromBrowser(a)
		}
	}},
	{"a personal access token", "personal_access", true, withoutClient, func(s *server, c *client) func(*server, *client, string) *issued {
		s = s.restart(func(config *passport.Config) {
			config.PersonalAccessClientID, config.PersonalAccessClientSecret, config.PersonalTokenFormat = c.ID, c.secret, passport.JWT
		})
		return func(_ *server, c *client, scope string) *issued {
			made, err := s.CreateToken(s.t.Context(), ref("alice"), "my script", strings.Fields(scope)...)
			switch {
			case errors.Is(err, oauth.InvalidScope):
				return &issued{code: "invalid_scope"}
			case err != nil:
				return &issued{code: refused}
			case made.Token.Client.ID != c.ID:
				return &issued{code: refused} // another client's
			}
			return &issued{scope: strings.Join(made.Token.Scopes, " "), access: made.AccessToken}
		}
	}},
}

func withImplicit(c *passport.Config) { c.EnableImplicitGrant = true }

// greedy is a grant that gives everything and looks at nothing.
type greedy struct{}

const greedyType = "urn:example:greedy"

func (greedy) GrantType() string { return greedyType }

func (greedy) Authorize(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
	all := []string{"read", "write", "admin", "unheard-of", "*"}
	return &oauth.Authorization{
		Subject: oauth.ForUser(ref("alice")), Scopes: all, Granted: all, Refresh: true, NewFamily: true,
		Family: &oauth.Family{ID: fmt.Sprint("greedy", r.Time.UnixNano(), r.Client.ID), User: ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time},
	}, nil
}

// restriction is something that a client is held to.
type restriction struct {
	name   string
	before bool // it is there from the start; else it comes between prepare and the request

	change func(*oauth.Client)
	check  func(t *testing.T, s *server, w way, got *issued)
}

func refusedWith(codes ...string) func(*testing.T, *server, way, *issued) {
	return func(t *testing.T, _ *server, _ way, got *issued) {
		if !slices.Contains(codes, got.code) && got.code != refused {

			t.Errorf("the answer is %+v, want the error %s", got, strings.Join(codes, " or "))
		}
	}
}

// within fails unless a token was issued, with these scopes alone.
func within(scopes ...string) func(*testing.T, *server, way, *issued) {
	return func(t *testing.T, _ *server, _ way, got *issued) {
		if got.access == "" || slices.ContainsFunc(strings.Fields(got.scope), func(id string) bool { return !slices.Contains(scopes, id) }) {
			t.Errorf("the answer is %+v, want a token with no scope but of %q", got, scopes)
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
	{"provider", false, func(c *oauth.Client) { c.Provider = "staff" }, func(t *testing.T, s *server, w way, got *issued) {
		if w.forUser {
			refusedWith("invalid_grant")(t, s, w, got)
		}
	}},
	{"life of access tokens", true, func(c *oauth.Client) { c.AccessTokenTTL = time.Minute }, func(t *testing.T, s *server, _ way, got *issued) {
		if token := s.stored(t, got); token.ExpiresAt.Sub(token.IssuedAt) != time.Minute {
			t.Errorf("the token lives for %v, want a minute", token.ExpiresAt.Sub(token.IssuedAt))
		}
	}},
	{"life of families", true, func(c *oauth.Client) { c.FamilyTTL = 2 * time.Minute }, func(t *testing.T, s *server, w way, got *issued) {
		token := s.stored(t, got)
		if w.forUser && w.grantType != voucherType && token.ExpiresAt.After(time.Now().Add(2*time.Minute)) {
			t.Errorf("the token lives until %v, which is longer than the client's families", token.ExpiresAt)
		}
	}},
	{"life of refresh tokens", true, func(c *oauth.Client) { c.RefreshTokenTTL = time.Minute }, func(t *testing.T, s *server, _ way, got *issued) {
		if got.refresh == "" {
			return
		}
		refresh, err := s.store.RefreshToken(t.Context(), oauth.DigestOf(got.refresh))
		if err != nil || refresh.ExpiresAt.After(time.Now().Add(time.Minute)) {
			t.Errorf("the refresh token %+v, %v, want one that lives for a minute", refresh, err)
		}
	}},
	{"ends with the session", true, func(c *oauth.Client) { c.EndsWithSession = true }, func(t *testing.T, s *server, w way, got *issued) {
		if token := s.stored(t, got); w.forUser && !token.Family.EndsWithSession {
			t.Error("the family does not end with its session")
		}
	}},
	{"no refresh", true, func(c *oauth.Client) { c.GrantTypes = without(c.GrantTypes, "refresh_token") }, func(t *testing.T, _ *server, w way, got *issued) {
		if got.refresh != "" {
			t.Error("a client that may not refresh got a refresh token")
		}
	}},
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// stored returns the row of the token that was issued.
func (s *server) stored(t *testing.T, got *issued) *oauth.AccessToken {
	t.Helper()
	if got.access == "" {
		t.Fatalf("the answer is %+v, want a token", got)
	}
	id, _ := claimsOf(t, got.access)["jti"].(string)
	token, err := s.store.AccessToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// bentStore shows clients otherwise than they are stored: so what cannot be changed
// of one can be.
type bentStore struct {
	oauth.Store
	bend func(*oauth.Client)
}

func (b *bentStore) Unwrap() oauth.Store { return b.Store }

func (b *bentStore) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := b.Store.Client(ctx, id)
	if err == nil && b.bend != nil {
		b.bend(c)
	}
	return c, err
}

func TestClientRestrictions_NeverRepeat_A12_D7_D15_E13_EachOnEachGrant(t *testing.T) {
	tried := 0
	for _, w := range ways {
		for _, r := range restrictions {
			t.Run(w.name+"/"+r.name, func(t *testing.T) {
				store := &bentStore{Store: new(memstore.Store)}
				s := newServer(t, withPasswords, withGrants(voucher{}, greedy{}), withImplicit, func(c *passport.Config) {
					c.Store, c.DefaultScopes = store, []string{"read", "write"}
					c.Providers = map[string]passport.UserProvider{"staff": newAccounts("clerk")}
				})
				c := s.register(passport.Registration{GrantTypes: []string{
					"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", voucherType, greedyType,
				}})
				if r.before {
					store.bend = r.change
				}
				if slices.Contains(w.free, r.name) || r.name == "no refresh" && w.grantType == "refresh_token" || r.before && strings.HasSuffix(w.name, "of a password") && r.name == "scopes from the start" {
					return // there is nothing to begin with
				}
				ask := w.prepare(s, c)
				store.bend = r.change
				r.check(t, s, w, ask(s, c, ""))
				tried++
			})
		}
	}
	if tried < 100 {
		t.Errorf("%d pairs were tried, want each", tried)
	}
}

// Who asks for more than the client may have is told so, whatever the grant.
func TestClientRestrictions_NeverRepeat_E13_AskingForMore(t *testing.T) {
	for _, w := range ways {
		if w.name == "authorization_code" || w.grantType == greedyType {
			continue // nothing is asked for at the token endpoint
		}
		s := newServer(t, withPasswords, withGrants(voucher{}, greedy{}), withImplicit)
		c := s.register(passport.Registration{GrantTypes: []string{"authorization_code", "client_credentials", "password", "refresh_token", "implicit", "personal_access", voucherType}})
		ask := w.prepare(s, c)
		s.narrowClient(c, "read")
		for _, scope := range []string{"write", "read write", "*", "read *", "unheard-of"} {
			if got := ask(s, c, scope); got.code != "invalid_scope" {
				t.Errorf("%s: a client that may have read asks for %q and gets %+v, want invalid_scope", w.name, scope, got)
			}
		}
		if got := ask(s, c, "read"); got.scope != "read" {
			t.Errorf("%s: a client that may have read asks for it and gets %+v", w.name, got)
		}
	}
	s := newServer(t)
	c := s.register(passport.Registration{Scopes: []string{"read"}})
	for _, scope := range []string{"write", "read write", "*", "unheard-of"} {
		s.browser().signIn("alice").authorize(c, "scope", scope).wantRedirectError("invalid_scope")
	}
}

// A client's kind is fixed when it is made: whatever becomes of its secrets, a
// confidential client has to show one, and a public one has none to show.
func TestClientRestrictions_NeverRepeat_C5_KindIsFixed(t *testing.T) {
	s := newServer(t, withPasswords)
	c, spa := s.web(), s.spa()
	tok := s.grantTokens(c)
	if !spa.Public() || spa.secret != "" || len(spa.Secrets) != 0 || c.Public() || c.secret == "" {
		t.Fatalf("made %+v and %+v, want one with a secret and one without", c.Client, spa.Client)
	}
	s.change(c, func(stored *oauth.Client) { stored.AuthMethod = oauth.AuthNone }) // the store does not take it
	stored, err := s.store.Client(t.Context(), c.ID)
	if err != nil || stored.Public() {
		t.Errorf("the client is %+v, %v after a change of its method, want it confidential", stored, err)
	}
	s.expireSecrets(c)
	bare := *c
	bare.secret = ""
	s.refresh(&bare, tok.Refresh).wantJSONError(401, "invalid_client")
	s.refresh(c, tok.Refresh).wantJSONError(401, "invalid_client")
	// A public client that was given a secret all the same does not become
	// confidential by it, and what is sent with it is refused.
	s.addSecret(spa.ID, "given", time.Time{})
	armed := *spa
	armed.secret = "given"
	code := s.code(spa)
	s.exchange(&armed, spa.codeForm(code)...).wantJSONError(401, "invalid_client")
	s.redeem(spa, code)
}
