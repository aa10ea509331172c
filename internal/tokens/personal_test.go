package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// As in Laravel Passport: $user->createToken('My Token', ['place-orders']).
func TestCreateToken_WorksAtOnce(t *testing.T) {
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		t.Run(string(format), func(t *testing.T) {
			s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenFormat, c.DefaultScopes = format, []string{"read"} })
			with, without := s.Personal("write"), s.Personal()
			got := s.Call(s.Guard(), "Authorization", "Bearer "+with.AccessToken).Told()
			if got.User != "alice" || strings.Join(got.Scopes, " ") != "write" {
				t.Errorf("the guard returned %+v, want alice and the scope write", got)
			}
			if got := s.Call(s.Guard(), "Authorization", "Bearer "+without.AccessToken).Told(); len(got.Scopes) != 0 {
				t.Errorf("scopes of a token without scopes = %v, want no default scopes", got.Scopes)
			}
			if a := s.Call(s.GuardClient(), "Authorization", "Bearer "+with.AccessToken); a.Status != 403 {
				t.Errorf("GuardClient responds %s to a personal token, want 403", a)
			}
			if opaque := strings.HasPrefix(with.AccessToken, "passport_pat_"); opaque != (format == passport.Opaque) {
				t.Errorf("a token of the format %s has %d dots", format, strings.Count(with.AccessToken, "."))
			}
			if life := with.Token.ExpiresAt.Sub(with.Token.IssuedAt); life != 365*24*time.Hour {
				t.Errorf("lifetime = %v, want a year", life)
			}
		})
	}
}

// Store, events and log do not contain the token. Its ID is an independent UUID.
func TestCreateToken_TokenIsSecret(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.AuditLog = true })
	created := s.Personal("read")
	secret := strings.TrimPrefix(created.AccessToken, "passport_pat_")
	if created.Token.ID == "" || strings.Contains(created.AccessToken, created.Token.ID) || string(created.Token.Digest) == created.AccessToken {
		t.Errorf("record = %+v, want an ID and a digest that are not part of the token", created.Token)
	}
	for _, event := range testkit.EventsOf[passport.AccessTokenIssued](s) {
		if strings.Contains(fmt.Sprintf("%+v", *event.Token), secret) || event.GrantType != "personal_access" {
			t.Errorf("event = %+v, want GrantType personal_access and no token", event)
		}
	}
	for _, wrong := range []string{created.Token.ID, string(created.Token.Digest), "passport_pat_" + string(created.Token.Digest), secret, created.AccessToken + "A", created.AccessToken[:len(created.AccessToken)-1]} {
		s.WantAdmits(wrong, false, "a part or variant of the token")
	}
	if strings.Contains(s.Log.String(), secret) {
		t.Error("the log contains the token")
	}
	s.WantAudit("token.issued", 1)
}

// A token with a wrong checksum is refused without a query.
func TestGuard_OpaqueTokenWithWrongChecksum(t *testing.T) {
	store := &testkit.WatchedStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
	created := s.Personal()
	wrong := []byte(created.AccessToken)
	wrong[20] = 'A' + (wrong[20]-'A'+1)%26
	before := store.Count("OpaqueToken") + store.Count("AccessToken")
	s.WantAdmits(string(wrong), string(wrong) == created.AccessToken, "a token with a typo")
	if n := store.Count("OpaqueToken") + store.Count("AccessToken"); n != before {
		t.Errorf("%d queries for a token with a wrong checksum, want none", n-before)
	}
}

func TestCreateToken_Refuses(t *testing.T) {
	s := testkit.NewServer(t)
	limited := s.Restart(func(c *passport.Config) {
		created := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = created.ID, created.Secret
	})
	soon := time.Now().Add(time.Hour)
	for name, tt := range map[string]struct {
		at   *testkit.Server
		p    passport.PersonalToken
		want error
		says string
	}{
		"no name":             {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: " "}, oauth.InvalidRequest, "name is missing"},
		"a long name":         {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: strings.Repeat("ä", 192)}, oauth.InvalidRequest, "191"},
		"a name with a NUL":   {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "a\x00b"}, oauth.InvalidRequest, "control"},
		"an unknown scope":    {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"fly"}}, oauth.InvalidScope, "fly"},
		"all scopes":          {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"*"}}, oauth.InvalidScope, "does not exist"},
		"a forbidden scope":   {limited, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"write"}}, oauth.InvalidScope, "not for personal"},
		"in the past":         {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", ExpiresAt: time.Now().Add(-time.Hour)}, oauth.InvalidRequest, "in the past"},
		"longer than the cap": {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", ExpiresAt: time.Now().Add(366 * 24 * time.Hour)}, oauth.InvalidRequest, "at most"},
		"an unknown user":     {s, passport.PersonalToken{User: testkit.Ref("carol"), Name: "n", ExpiresAt: soon}, oauth.ErrNotFound, ""},
		"no user":             {s, passport.PersonalToken{Name: "n"}, nil, "empty"},
		"an unknown provider": {s, passport.PersonalToken{User: oauth.UserRef{Provider: "staff", ID: "1"}, Name: "n"}, nil, "staff"},
		"a client as a user":  {s, passport.PersonalToken{User: oauth.UserRef{Provider: "client", ID: "1"}, Name: "n"}, nil, "client"},
	} {
		created, err := tt.at.CreatePersonalToken(t.Context(), tt.p)
		if created != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v; want an error of %v that contains %q", name, created, err, tt.want, tt.says)
		}
	}
}

// A user chooses an earlier expiry. The guard refuses the token from that moment on.
func TestCreateToken_ExpiryOfTheUsersChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenTTL = 48 * time.Hour })
		created, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref("alice"), Name: "short", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Microsecond)
		s.WantAdmits(created.AccessToken, true, "just before it expires")
		time.Sleep(time.Microsecond)
		s.WantAdmits(created.AccessToken, false, "when it has expired")
	})
}

// Nodes that need the client for personal tokens at the same time create a single client.
func TestCreateToken_NodesCreateOneClient(t *testing.T) {
	for _, ids := range []passport.IDFormat{passport.UUIDs, passport.Integers} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.ClientIDs = ids })
		var nodes [64]*testkit.Server
		for i := range nodes {
			nodes[i] = s.Restart()
		}
		var wg sync.WaitGroup
		for _, node := range nodes {
			wg.Go(func() {
				if _, err := node.CreateToken(context.Background(), testkit.Ref("alice"), "script"); err != nil {
					t.Errorf("CreateToken() = %v", err)
				}
			})
		}
		wg.Wait()
		clients := 0
		for c, err := range s.Clients(t.Context()) {
			if err != nil || c.Key != "personal_access:users" || ids == passport.Integers && c.ID != "1" {
				t.Errorf("client = %+v, %v, want the one for personal access tokens", c, err)
			}
			clients++
		}
		if events := len(testkit.EventsOf[passport.ClientCreated](s)); clients != 1 || events != 1 {
			t.Errorf("%s: 64 nodes created %d clients and published %d events, want 1 of each", ids, clients, events)
		}
	}
}

// If PASSPORT_PERSONAL_ACCESS_CLIENT_ID and _SECRET do not match, the server does not
// start. So users never see the fault.
func TestNew_PersonalAccessClientMustMatch(t *testing.T) {
	s := testkit.NewServer(t)
	right := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}})
	web, revoked := s.Web(), s.Register(passport.Registration{Name: "Old", GrantTypes: []string{"personal_access"}})
	if err := s.RevokeClient(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ id, secret, says string }{
		"a match":          {right.ID, right.Secret, ""},
		"no such client":   {"unknown", right.Secret, "passport client --personal"},
		"another's secret": {right.ID, web.Secret, "passport client rotate-secret"},
		"another kind":     {web.ID, web.Secret, "not for personal access tokens"},
		"revoked":          {revoked.ID, revoked.Secret, "revoked"},
		"an ID alone":      {right.ID, "", "set both"},
		"a secret alone":   {"", right.Secret, "set both"},
		"neither":          {"", "", ""},
	} {
		config := s.Config
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = tt.id, tt.secret
		server, err := passport.New(config)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: New() = %v, want an error that contains %q", name, err, tt.says)
			continue
		}
		if err != nil {
			if tt.secret != "" && strings.Contains(err.Error(), tt.secret) {
				t.Errorf("%s: the error contains the secret", name)
			}
			continue
		}
		created, err := server.CreateToken(t.Context(), testkit.Ref("alice"), "script")
		if err != nil || tt.id != "" && created.Token.Client.ID != tt.id {
			t.Errorf("%s: CreateToken() = %+v, %v, want a token of the configured client", name, created, err)
		}
	}
}

// The client for personal tokens cannot get tokens over HTTP. In Laravel Passport, its
// secret is enough to create a token for any user.
func TestCreateToken_ItsClientGetsNothingOverHTTP(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}})
	s.Exchange(c, "grant_type", "personal_access", "user_id", "alice", "scope", "read").WantJSONError(400, "unsupported_grant_type")
	s.Exchange(c, "grant_type", "client_credentials").WantJSONError(400, "unauthorized_client")
	if a := s.Browser().SignIn("alice").Authorize(c, "scope", ""); a.Target() != "" && !strings.Contains(a.Target(), "unauthorized_client") || a.IsConsent() {
		t.Errorf("Authorize() by the client for personal tokens = %s, want unauthorized_client", a)
	}
}

// With personal tokens too, user 1 of one provider is never user 1 of another.
func TestCreateToken_NeverRepeat_E11_ProvidersAreApart(t *testing.T) {
	staff := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	of := func(provider string) string {
		created, err := s.CreateToken(t.Context(), oauth.UserRef{Provider: provider, ID: "alice"}, "script")
		if err != nil {
			t.Fatal(err)
		}
		if want := "personal_access:" + provider; created.Token.Client.Key != want {
			t.Errorf("a token of %s belongs to the client %q, want %q", provider, created.Token.Client.Key, want)
		}
		return created.AccessToken
	}
	users, clerks := of("users"), of("staff")
	if a := s.Call(s.Guard(), "Authorization", "Bearer "+clerks); a.Status != 403 {
		t.Errorf("a guard of the default provider responds %s to a clerk, want 403", a)
	}
	if got := s.Call(s.Guard(), "Authorization", "Bearer "+users).Told(); got.User != "alice" {
		t.Errorf("the guard returned %+v, want alice", got)
	}
}

// A revocation ends a personal token at the next request. A password change or a withdrawn
// consent does not.
func TestCreateToken_Revocation(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(context.Context, *testkit.Server, *oauth.AccessToken) error
		ends bool
	}{
		"RevokeToken": {func(ctx context.Context, s *testkit.Server, tok *oauth.AccessToken) error {
			return s.RevokeToken(ctx, tok.ID)
		}, true},
		"RevokeUser": {func(ctx context.Context, s *testkit.Server, _ *oauth.AccessToken) error {
			return s.RevokeUser(ctx, testkit.Ref("alice"))
		}, true},
		"RevokeUserAtClient": {func(ctx context.Context, s *testkit.Server, tok *oauth.AccessToken) error {
			return s.RevokeUserAtClient(ctx, testkit.Ref("alice"), tok.Client.ID)
		}, true},
		"RevokeClient": {func(ctx context.Context, s *testkit.Server, tok *oauth.AccessToken) error {
			return s.RevokeClient(ctx, tok.Client.ID)
		}, true},
		"SuspendClient": {func(ctx context.Context, s *testkit.Server, tok *oauth.AccessToken) error {
			return s.SuspendClient(ctx, tok.Client.ID)
		}, true},
		"user deleted": {func(_ context.Context, s *testkit.Server, _ *oauth.AccessToken) error {
			s.Users.Remove("alice")
			return nil
		}, true},
		"PasswordChanged": {func(ctx context.Context, s *testkit.Server, _ *oauth.AccessToken) error {
			return s.PasswordChanged(ctx, testkit.Ref("alice"), "")
		}, false},
		"Withdraw": {func(ctx context.Context, s *testkit.Server, tok *oauth.AccessToken) error {
			return s.Withdraw(ctx, testkit.Ref("alice"), tok.Client.ID)
		}, false},
	} {
		s := testkit.NewServer(t)
		created := s.Personal("read")
		s.WantAdmits(created.AccessToken, true, "before "+name)
		if err := tt.end(t.Context(), s, created.Token); err != nil {
			t.Fatal(err)
		}
		s.WantAdmits(created.AccessToken, !tt.ends, "after "+name)
	}
}

// A token is invalid if its user is revoked while the token is created.
func TestCreateToken_RevokedDuringCreation(t *testing.T) {
	store := &testkit.WatchedStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
	s.Personal() // creates the client
	store.Pause = func(verb string) {
		if verb == "Issue" {
			time.Sleep(time.Millisecond)
			if err := store.Store.RevokeFamilies(t.Context(), oauth.FamilyFilter{User: testkit.Ref("alice")}, time.Now(), nil); err != nil {
				t.Error(err)
			}
		}
	}
	s.WantAdmits(s.Personal().AccessToken, false, "created during a revocation")
}

// A form that is sent twice creates one token, and another user's value is another.
func TestCreatePersonalToken_PA_4_Once(t *testing.T) {
	s := testkit.NewServer(t)
	create := func(user, once string) error {
		_, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref(user), Name: "Backup", Once: once})
		return err
	}
	for _, tt := range []struct {
		user, once string
		want       error
	}{
		{"alice", "a", nil}, {"alice", "a", oauth.ErrSpent}, {"alice", "b", nil}, {"bob", "a", nil}, {"alice", "", nil}, {"alice", "", nil},
	} {
		if err := create(tt.user, tt.once); !errors.Is(err, tt.want) {
			t.Errorf("CreatePersonalToken(%s, once %q) = %v, want %v", tt.user, tt.once, err, tt.want)
		}
	}
	if all, err := s.PersonalTokens(t.Context(), testkit.Ref("alice")); err != nil || len(all) != 4 {
		t.Errorf("alice has %d tokens, %v, want 4", len(all), err)
	}
}

// The record of a personal access token has its last characters, and that of any other
// token has none.
func TestCreatePersonalToken_PA_4_Hint(t *testing.T) {
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenFormat = format })
		created := s.Personal("read")
		all, err := s.PersonalTokens(t.Context(), testkit.Ref("alice"))
		if err != nil || len(all) != 1 || len(all[0].Hint) != oauth.HintLength || !strings.HasSuffix(created.AccessToken, all[0].Hint) {
			t.Errorf("format %v: PersonalTokens() = %+v, %v, want the end of %s", format, all, err, created.AccessToken)
		}
		if hint := s.Row(s.GrantTokens(s.Web()).Access).Hint; hint != "" {
			t.Errorf("the token of an app has the hint %q, want none", hint)
		}
	}
}
