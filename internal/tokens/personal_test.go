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

// Passport's documentation: $user->createToken('My Token', ['place-orders']).
func TestCreateToken_WorksAtOnce(t *testing.T) {
	for _, format := range []passport.TokenFormat{passport.Opaque, passport.JWT} {
		t.Run(string(format), func(t *testing.T) {
			s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenFormat, c.DefaultScopes = format, []string{"read"} })
			with, without := s.Personal("write"), s.Personal()
			got := s.Call(s.Guard(), "Authorization", "Bearer "+with.AccessToken).Told()
			if got.User != "alice" || strings.Join(got.Scopes, " ") != "write" {
				t.Errorf("the API is told %+v, want alice with the scope write", got)
			}
			if got := s.Call(s.Guard(), "Authorization", "Bearer "+without.AccessToken).Told(); len(got.Scopes) != 0 {
				t.Errorf("a token made without scopes has %v: defaults do not apply to personal tokens", got.Scopes)
			}
			if a := s.Call(s.GuardClient(), "Authorization", "Bearer "+with.AccessToken); a.Status != 403 {
				t.Errorf("GuardClient answers a personal token %s, want 403", a)
			}
			if opaque := strings.HasPrefix(with.AccessToken, "passport_pat_"); opaque != (format == passport.Opaque) {
				t.Errorf("a token of the format %s has %d dots", format, strings.Count(with.AccessToken, "."))
			}
			if life := with.Token.ExpiresAt.Sub(with.Token.IssuedAt); life != 365*24*time.Hour {
				t.Errorf("it lives %v, want a year", life)
			}
		})
	}
}

// What is stored, and what an event tells, opens nothing. The ID is a UUID, and
// of the token nothing is in it.
func TestCreateToken_NothingShowsTheToken(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.AuditLog = true })
	made := s.Personal("read")
	secret := strings.TrimPrefix(made.AccessToken, "passport_pat_")
	if made.Token.ID == "" || strings.Contains(made.AccessToken, made.Token.ID) || string(made.Token.Digest) == made.AccessToken {
		t.Errorf("the record is %+v: its ID or digest is part of the token", made.Token)
	}
	for _, event := range testkit.EventsOf[passport.AccessTokenIssued](s) {
		if strings.Contains(fmt.Sprintf("%+v", *event.Token), secret) || event.GrantType != "personal_access" {
			t.Errorf("the event %+v tells the token or not how it was made", event)
		}
	}
	for _, wrong := range []string{made.Token.ID, string(made.Token.Digest), "passport_pat_" + string(made.Token.Digest), secret, made.AccessToken + "A", made.AccessToken[:len(made.AccessToken)-1]} {
		s.WantAdmits(wrong, false, "something that is not the token")
	}
	if strings.Contains(s.Log.String(), secret) {
		t.Error("the log has the token")
	}
	s.WantAudit("token.issued", 1)
}

// A token of the right form that is none is refused without asking the store.
func TestGuard_OpaqueTokenWithWrongChecksumCostsNothing(t *testing.T) {
	store := &testkit.WatchedStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
	made := s.Personal()
	wrong := []byte(made.AccessToken)
	wrong[20] = 'A' + (wrong[20]-'A'+1)%26
	before := store.Count("OpaqueToken") + store.Count("AccessToken")
	s.WantAdmits(string(wrong), string(wrong) == made.AccessToken, "a token with a slip of the pen")
	if n := store.Count("OpaqueToken") + store.Count("AccessToken"); n != before {
		t.Errorf("the store was asked %d times about a token whose checksum is wrong", n-before)
	}
}

func TestCreateToken_Refuses(t *testing.T) {
	s := testkit.NewServer(t)
	limited := s.Restart(func(c *passport.Config) {
		made := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
		c.PersonalAccessClientID, c.PersonalAccessClientSecret = made.ID, made.Secret
	})
	soon := time.Now().Add(time.Hour)
	for name, tt := range map[string]struct {
		at   *testkit.Server
		p    passport.PersonalToken
		want error
		says string
	}{
		"no name":              {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: " "}, oauth.InvalidRequest, "no name"},
		"a long name":          {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: strings.Repeat("ä", 192)}, oauth.InvalidRequest, "191"},
		"a name with a NUL":    {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "a\x00b"}, oauth.InvalidRequest, "control"},
		"an unknown scope":     {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"fly"}}, oauth.InvalidScope, "fly"},
		"all scopes":           {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"*"}}, oauth.InvalidScope, "does not exist"},
		"a scope too many":     {limited, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", Scopes: []string{"write"}}, oauth.InvalidScope, "not for personal"},
		"the past":             {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", ExpiresAt: time.Now().Add(-time.Hour)}, oauth.InvalidRequest, "ended"},
		"longer than the cap":  {s, passport.PersonalToken{User: testkit.Ref("alice"), Name: "n", ExpiresAt: time.Now().Add(366 * 24 * time.Hour)}, oauth.InvalidRequest, "within"},
		"nobody":               {s, passport.PersonalToken{User: testkit.Ref("carol"), Name: "n", ExpiresAt: soon}, oauth.ErrNotFound, ""},
		"no user":              {s, passport.PersonalToken{Name: "n"}, nil, "empty"},
		"an unknown provider":  {s, passport.PersonalToken{User: oauth.UserRef{Provider: "staff", ID: "1"}, Name: "n"}, nil, "staff"},
		"a client as a person": {s, passport.PersonalToken{User: oauth.UserRef{Provider: "client", ID: "1"}, Name: "n"}, nil, "client"},
	} {
		made, err := tt.at.CreatePersonalToken(t.Context(), tt.p)
		if made != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v; want an error of %v that says %q", name, made, err, tt.want, tt.says)
		}
	}
}

// A user chooses an earlier end, and at that moment the token is refused.
func TestCreateToken_ExpiryOfTheUsersChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.PersonalTokenTTL = 48 * time.Hour })
		made, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref("alice"), Name: "short", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Microsecond)
		s.WantAdmits(made.AccessToken, true, "just before its end")
		time.Sleep(time.Microsecond)
		s.WantAdmits(made.AccessToken, false, "at its end")
	})
}

// Two nodes that need the client of personal tokens at once make one.
func TestCreateToken_NodesMakeOneClient(t *testing.T) {
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
					t.Errorf("CreateToken: %v", err)
				}
			})
		}
		wg.Wait()
		clients := 0
		for c, err := range s.Clients(t.Context()) {
			if err != nil || c.Key != "personal_access:users" || ids == passport.Integers && c.ID != "1" {
				t.Errorf("client %+v, %v", c, err)
			}
			clients++
		}
		if created := len(testkit.EventsOf[passport.ClientCreated](s)); clients != 1 || created != 1 {
			t.Errorf("%s: 64 nodes made %d clients and told of %d, want one", ids, clients, created)
		}
	}
}

// PASSPORT_PERSONAL_ACCESS_CLIENT_ID and _SECRET: one that does not match is a
// fault when the server starts, and never a user's.
func TestNew_PersonalAccessClientMustMatch(t *testing.T) {
	s := testkit.NewServer(t)
	right := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}})
	web, gone := s.Web(), s.Register(passport.Registration{Name: "Old", GrantTypes: []string{"personal_access"}})
	if err := s.RevokeClient(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ id, secret, says string }{
		"it matches":         {right.ID, right.Secret, ""},
		"no such client":     {"nobody", right.Secret, "passport client --personal"},
		"another's secret":   {right.ID, web.Secret, "passport client rotate-secret"},
		"another kind":       {web.ID, web.Secret, "not one of personal access tokens"},
		"revoked":            {gone.ID, gone.Secret, "revoked"},
		"an ID alone":        {right.ID, "", "set both"},
		"a secret alone":     {"", right.Secret, "set both"},
		"neither, as always": {"", "", ""},
	} {
		config := s.Config
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = tt.id, tt.secret
		server, err := passport.New(config)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: New() = %v, want an error that says %q", name, err, tt.says)
			continue
		}
		if err != nil {
			if tt.secret != "" && strings.Contains(err.Error(), tt.secret) {
				t.Errorf("%s: the error has the secret", name)
			}
			continue
		}
		made, err := server.CreateToken(t.Context(), testkit.Ref("alice"), "script")
		if err != nil || tt.id != "" && made.Token.Client.ID != tt.id {
			t.Errorf("%s: CreateToken() = %+v, %v", name, made, err)
		}
	}
}

// A client of personal tokens cannot be used for anything over HTTP: in Laravel
// Passport who had its secret could make a token for any user.
func TestCreateToken_ItsClientGetsNothingOverHTTP(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{Name: "Tokens", GrantTypes: []string{"personal_access"}})
	s.Exchange(c, "grant_type", "personal_access", "user_id", "alice", "scope", "read").WantJSONError(400, "unsupported_grant_type")
	s.Exchange(c, "grant_type", "client_credentials").WantJSONError(400, "unauthorized_client")
	if a := s.Browser().SignIn("alice").Authorize(c, "scope", ""); a.Target() != "" && !strings.Contains(a.Target(), "unauthorized_client") || a.IsConsent() {
		t.Errorf("authorize answers the client of personal tokens %s", a)
	}
}

// User 1 of one provider is never user 1 of another, by personal tokens either.
func TestCreateToken_NeverRepeat_E11_EachProviderItsOwn(t *testing.T) {
	staff := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	of := func(provider string) string {
		made, err := s.CreateToken(t.Context(), oauth.UserRef{Provider: provider, ID: "alice"}, "script")
		if err != nil {
			t.Fatal(err)
		}
		if want := "personal_access:" + provider; made.Token.Client.Key != want {
			t.Errorf("a token of %s belongs to the client %q, want %q", provider, made.Token.Client.Key, want)
		}
		return made.AccessToken
	}
	users, clerks := of("users"), of("staff")
	if a := s.Call(s.Guard(), "Authorization", "Bearer "+clerks); a.Status != 403 {
		t.Errorf("a guard of the default provider answers a clerk %s, want 403", a)
	}
	if got := s.Call(s.Guard(), "Authorization", "Bearer "+users).Told(); got.User != "alice" {
		t.Errorf("the API is told %+v", got)
	}
}

// What ends a personal token ends it at the next request; a changed password and
// a withdrawn consent do not.
func TestCreateToken_WhatEndsIt(t *testing.T) {
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
		"user gone": {func(_ context.Context, s *testkit.Server, _ *oauth.AccessToken) error {
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
		made := s.Personal("read")
		s.WantAdmits(made.AccessToken, true, "before "+name)
		if err := tt.end(t.Context(), s, made.Token); err != nil {
			t.Fatal(err)
		}
		s.WantAdmits(made.AccessToken, !tt.ends, "after "+name)
	}
}

// Revoked while it is being made: what the request came in before is dead.
func TestCreateToken_RevokedWhileItIsMade(t *testing.T) {
	store := &testkit.WatchedStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
	s.Personal() // makes the client
	store.Pause = func(verb string) {
		if verb == "Issue" {
			time.Sleep(time.Millisecond)
			if err := store.Store.RevokeFamilies(t.Context(), oauth.FamilyFilter{User: testkit.Ref("alice")}, time.Now(), nil); err != nil {
				t.Error(err)
			}
		}
	}
	s.WantAdmits(s.Personal().AccessToken, false, "made while everything of alice was revoked")
}
