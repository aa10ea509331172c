package tokens_test

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

// These events end refresh and access tokens (RFC 9700 §4.14.2).
func TestNeverRepeat_D6_RT_08_BR_10_EventsThatEndTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(context.Context, *testkit.Server, *testkit.Client) error
		want string
	}{
		"consent withdrawn": {func(ctx context.Context, s *testkit.Server, c *testkit.Client) error {
			return s.Withdraw(ctx, testkit.Ref("alice"), c.ID)
		}, "invalid_grant"},
		"password changed": {func(ctx context.Context, s *testkit.Server, _ *testkit.Client) error {
			return s.PasswordChanged(ctx, testkit.Ref("alice"), "")
		}, "invalid_grant"},
		"user revoked": {func(ctx context.Context, s *testkit.Server, _ *testkit.Client) error {
			return s.RevokeUser(ctx, testkit.Ref("alice"))
		}, "invalid_grant"},
		"user at client": {func(ctx context.Context, s *testkit.Server, c *testkit.Client) error {
			return s.RevokeUserAtClient(ctx, testkit.Ref("alice"), c.ID)
		}, "invalid_grant"},
		"user deleted": {func(_ context.Context, s *testkit.Server, _ *testkit.Client) error {
			s.Users.Remove("alice")
			return nil
		}, "invalid_grant"},
		"client suspended": {func(_ context.Context, s *testkit.Server, c *testkit.Client) error { s.Suspend(c); return nil }, "invalid_client"},
		"client revoked": {func(ctx context.Context, s *testkit.Server, c *testkit.Client) error {
			return s.RevokeClient(ctx, c.ID)
		}, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t)
			c := s.Web()
			tok, bobs := s.GrantTokens(c), s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
			s.WantAdmits(tok.Access, true, "before")
			if err := tt.end(t.Context(), s, c); err != nil {
				t.Fatal(err)
			}
			s.WantAdmits(tok.Access, false, name)
			if a := s.Refresh(c, tok.Refresh); a.JSON()["error"] != tt.want {
				t.Errorf("refresh after %s = %s, want %s", name, a, tt.want)
			}
			s.WantAdmits(bobs.Access, !strings.HasPrefix(name, "client"), name+", of another user")
			s.WantBlameless()
		})
	}
}

// After a suspended client is resumed, its tokens work again.
func TestToken_RT_08_SuspendedAndResumed(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	s.Suspend(c)
	s.WantAdmits(tok.Access, false, "of a suspended client")
	s.Change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Time{} })
	s.WantAdmits(tok.Access, true, "of a resumed client")
	s.Refresh(c, tok.Refresh).Tokens()
}

// A password change keeps the tokens of the session in which it happened.
func TestToken_RT_08_SessionOfAPasswordChange(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	here, away := s.Browser().SignIn("alice"), s.Browser().SignIn("alice")
	mine := s.Redeem(c, here.Authorize(c).Allow().Code())
	others := s.Redeem(c, away.Authorize(c, "prompt", "consent").Allow().Code())
	if err := s.PasswordChanged(t.Context(), testkit.Ref("alice"), here.Session()); err != nil {
		t.Fatal(err)
	}
	s.WantAdmits(mine.Access, true, "of the session in which the password was changed")
	s.WantAdmits(others.Access, false, "of another session after the password change")
}

// Connected apps stay connected after a sign-out, unless the configuration or the client
// sets otherwise.
func TestNeverRepeat_D10_RT_09_SigningOut(t *testing.T) {
	for name, tt := range map[string]struct {
		all, client bool
		lives       bool
	}{
		"neither":               {false, false, true},
		"Config":                {true, false, false},
		"Client":                {false, true, false},
		"Config and the client": {true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, func(c *passport.Config) { c.FamiliesEndWithSession = tt.all })
			c := s.Register(passport.Registration{EndsWithSession: tt.client})
			b, elsewhere := s.Browser().SignIn("alice"), s.Browser().SignIn("alice")
			tok := s.Redeem(c, b.Authorize(c).Allow().Code())
			other := s.Redeem(c, elsewhere.Authorize(c, "prompt", "consent").Allow().Code())
			pending := b.Authorize(c, "prompt", "consent").Allow().Code()
			if err := s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()); err != nil {
				t.Fatal(err)
			}
			s.WantAdmits(tok.Access, tt.lives, name)
			if a := s.Refresh(c, tok.Refresh); (a.Status == 200) != tt.lives {
				t.Errorf("refresh after signing out = %s, want tokens: %v", a, tt.lives)
			}
			s.Exchange(c, c.CodeForm(pending)...).WantJSONError(400, "invalid_grant")
			s.WantAdmits(other.Access, true, "of another session")
			if n := len(testkit.EventsOf[passport.Revoked](s)); n != 1 {
				t.Errorf("%d Revoked events for a sign-out, want 1", n)
			}
		})
	}
}

// A refresh drops scopes that were removed from the client or the server in the meantime,
// and adds none.
func TestToken_RT_10_RemovedScopes(t *testing.T) {
	t.Run("from the client", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		tok := s.GrantTokens(c, "scope", "read write")
		s.NarrowClient(c, "read", "admin")
		next := s.Refresh(c, tok.Refresh).Tokens()
		if next.Scope != "read" {
			t.Errorf("scope = %q, want read, because write was removed and admin was never granted", next.Scope)
		}
		s.Refresh(c, next.Refresh, "scope", "read write").WantJSONError(400, "invalid_scope")
		s.Refresh(c, next.Refresh, "scope", "admin").WantJSONError(400, "invalid_scope")
	})
	t.Run("from Config", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		tok := s.GrantTokens(c, "scope", "read write")
		later := s.Restart(func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "read"}, {ID: "extra"}} })
		if next := later.Refresh(c, tok.Refresh).Tokens(); next.Scope != "read" {
			t.Errorf("scope = %q, want read, because write no longer exists", next.Scope)
		}
	})
	t.Run("between code and tokens", func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		code := s.Code(c, "scope", "read write")
		s.NarrowClient(c, "write")
		tok := s.Redeem(c, code)
		if tok.Scope != "write" {
			t.Errorf("scope = %q, want write", tok.Scope)
		}
		s.NarrowClient(c, "read", "write")
		if next := s.Refresh(c, tok.Refresh).Tokens(); next.Scope != "write" {
			t.Errorf("scope = %q, want write, because the first token did not have read", next.Scope)
		}
	})
}

func TestToken_RT_11_NoRefreshTokenWithoutTheGrant(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{GrantTypes: []string{"authorization_code"}})
	if tok := s.GrantTokens(c); tok.Refresh != "" {
		t.Error("a client without the grant refresh_token got a refresh token")
	}
	web := s.Web()
	tok := s.GrantTokens(web)
	s.Change(web, func(c *oauth.Client) { c.GrantTypes = []string{"authorization_code"} })
	s.Refresh(web, tok.Refresh).WantJSONError(400, "unauthorized_client")
}

func TestToken_RT_12_EntropyOfARefreshToken(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	for range 20 {
		if bits := len(tok.Refresh) * 5; bits < 215 { // 43 characters of base64url, or 52 of base32
			t.Errorf("the refresh token %q is shorter than 256 bits", tok.Refresh)
		}
		stored, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(tok.Refresh))
		if err != nil || strings.Contains(string(stored.Digest), tok.Refresh) {
			t.Fatalf("the store has %+v, %v for a refresh token, want only its digest", stored, err)
		}
		if _, err := s.Store.RefreshToken(t.Context(), oauth.Digest(tok.Refresh)); !errors.Is(err, oauth.ErrNotFound) {
			t.Error("the store finds the refresh token without hashing it")
		}
		tok = s.Refresh(c, tok.Refresh).Tokens()
	}
}

// OP-06: tokens expire at the exact second.
func TestToken_OP_06_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.AccessTokenTTL = 5 * time.Minute })
		c, machine := s.Web(), s.Machine()
		tok, own := s.GrantTokens(c), s.MachineToken(machine)
		if tok.Expires != 300 {
			t.Errorf("expires_in = %d, want 300", tok.Expires)
		}
		time.Sleep(5*time.Minute - time.Second)
		s.WantAdmits(tok.Access, true, "a second before it expires")
		s.WantAdmits(own, true, "a second before it expires")
		time.Sleep(time.Second)
		s.WantAdmits(tok.Access, false, "when it has expired")
		s.WantAdmits(own, false, "when it has expired")
		s.WantAdmits(s.Refresh(c, tok.Refresh).Tokens().Access, true, "refreshed")
		s.WantBlameless()
	})
}

// A purge keeps live tokens.
func TestNeverRepeat_D14_PurgeKeepsLiveTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		old, tok := s.GrantTokens(c), s.GrantTokens(c, "prompt", "consent")
		for range 3 {
			time.Sleep(20 * 24 * time.Hour)
			tok = s.Refresh(c, tok.Refresh).Tokens()
			if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		s.WantAdmits(tok.Access, true, "after purges")
		s.Refresh(c, tok.Refresh).Tokens()
		s.Refresh(c, old.Refresh).WantJSONError(400, "invalid_grant")
	})
}
