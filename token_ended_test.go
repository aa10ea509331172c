package passport_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// RFC 9700 §4.14.2 and our own: what ends refresh and access tokens.
func TestNeverRepeat_D6_RT_08_BR_10_WhatEndsTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(context.Context, *server, *client) error
		want string
	}{
		"consent withdrawn": {func(ctx context.Context, s *server, c *client) error { return s.Withdraw(ctx, ref("alice"), c.ID) }, "invalid_grant"},
		"password changed":  {func(ctx context.Context, s *server, _ *client) error { return s.PasswordChanged(ctx, ref("alice"), "") }, "invalid_grant"},
		"user revoked":      {func(ctx context.Context, s *server, _ *client) error { return s.RevokeUser(ctx, ref("alice")) }, "invalid_grant"},
		"user at client": {func(ctx context.Context, s *server, c *client) error {
			return s.RevokeUserAtClient(ctx, ref("alice"), c.ID)
		}, "invalid_grant"},
		"user gone":        {func(_ context.Context, s *server, _ *client) error { s.users.remove("alice"); return nil }, "invalid_grant"},
		"client suspended": {func(_ context.Context, s *server, c *client) error { s.suspend(c); return nil }, "invalid_client"},
		"client revoked":   {func(ctx context.Context, s *server, c *client) error { return s.RevokeClient(ctx, c.ID) }, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := s.web()
			tok, bobs := s.grantTokens(c), s.redeem(c, s.browser().signIn("bob").authorize(c).allow().code())
			s.wantAdmits(tok.Access, true, "before")
			if err := tt.end(t.Context(), s, c); err != nil {
				t.Fatal(err)
			}
			s.wantAdmits(tok.Access, false, name)
			if a := s.refresh(c, tok.Refresh); a.json()["error"] != tt.want {
				t.Errorf("refresh after %s = %s, want %s", name, a, tt.want)
			}
			s.wantAdmits(bobs.Access, !strings.HasPrefix(name, "client"), name+", of somebody else")
			s.wantBlameless()
		})
	}
}

// Suspending may be taken back, and what was not used up in the meantime works.
func TestToken_RT_08_SuspendedForAWhile(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	s.suspend(c)
	s.wantAdmits(tok.Access, false, "of a suspended client")
	s.change(c, func(stored *oauth.Client) { stored.SuspendedAt = time.Time{} })
	s.wantAdmits(tok.Access, true, "of a client that is back")
	s.refresh(c, tok.Refresh).tokens()
}

// A changed password spares the session in which it was changed.
func TestToken_RT_08_PasswordChangedHere(t *testing.T) {
	s := newServer(t)
	c := s.web()
	here, there := s.browser().signIn("alice"), s.browser().signIn("alice")
	mine := s.redeem(c, here.authorize(c).allow().code())
	others := s.redeem(c, there.authorize(c, "prompt", "consent").allow().code())
	if err := s.PasswordChanged(t.Context(), ref("alice"), here.session()); err != nil {
		t.Fatal(err)
	}
	s.wantAdmits(mine.Access, true, "of the session in which the password was changed")
	s.wantAdmits(others.Access, false, "of another session after the password was changed")
}

// Signing out of the website leaves connected apps connected, unless the
// configuration or the client says otherwise.
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
			s := newServer(t, func(c *passport.Config) { c.FamiliesEndWithSession = tt.all })
			c := s.register(passport.Registration{EndsWithSession: tt.client})
			b, elsewhere := s.browser().signIn("alice"), s.browser().signIn("alice")
			tok := s.redeem(c, b.authorize(c).allow().code())
			other := s.redeem(c, elsewhere.authorize(c, "prompt", "consent").allow().code())
			pending := b.authorize(c, "prompt", "consent").allow().code()
			if err := s.EndSession(t.Context(), ref("alice"), b.session()); err != nil {
				t.Fatal(err)
			}
			s.wantAdmits(tok.Access, tt.lives, name)
			if a := s.refresh(c, tok.Refresh); (a.status == 200) != tt.lives {
				t.Errorf("refresh after signing out = %s, want tokens: %v", a, tt.lives)
			}
			s.exchange(c, c.codeForm(pending)...).wantJSONError(400, "invalid_grant")
			s.wantAdmits(other.Access, true, "of another session")
			if n := len(eventsOf[passport.Revoked](s)); n != 1 {
				t.Errorf("signing out was announced %d times, want once", n)
			}
		})
	}
}

// Scopes that were taken away since are dropped, from the client or from the
// server; none is added.
func TestToken_RT_10_ScopesThatWereTakenAway(t *testing.T) {
	t.Run("from the client", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		tok := s.grantTokens(c, "scope", "read write")
		s.narrowClient(c, "read", "admin")
		next := s.refresh(c, tok.Refresh).tokens()
		if next.Scope != "read" {
			t.Errorf("scope = %q, want read: write was taken away, admin was never granted", next.Scope)
		}
		s.refresh(c, next.Refresh, "scope", "read write").wantJSONError(400, "invalid_scope")
		s.refresh(c, next.Refresh, "scope", "admin").wantJSONError(400, "invalid_scope")
	})
	t.Run("from Config", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		tok := s.grantTokens(c, "scope", "read write")
		later := s.restart(func(c *passport.Config) { c.Scopes = []passport.Scope{{ID: "read"}, {ID: "extra"}} })
		if next := later.refresh(c, tok.Refresh).tokens(); next.Scope != "read" {
			t.Errorf("scope = %q, want read: write does not exist any more", next.Scope)
		}
	})
	t.Run("between code and tokens", func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		code := s.code(c, "scope", "read write")
		s.narrowClient(c, "write")
		tok := s.redeem(c, code)
		if tok.Scope != "write" {
			t.Errorf("scope = %q, want write", tok.Scope)
		}
		s.narrowClient(c, "read", "write")
		if next := s.refresh(c, tok.Refresh).tokens(); next.Scope != "write" {
			t.Errorf("scope = %q, want write: read was not part of what was issued", next.Scope)
		}
	})
}

func TestToken_RT_11_WithoutTheGrantThereIsNoRefreshToken(t *testing.T) {
	s := newServer(t)
	c := s.register(passport.Registration{GrantTypes: []string{"authorization_code"}})
	if tok := s.grantTokens(c); tok.Refresh != "" {
		t.Error("a client that may not refresh got a refresh token")
	}
	web := s.web()
	tok := s.grantTokens(web)
	s.change(web, func(c *oauth.Client) { c.GrantTypes = []string{"authorization_code"} })
	s.refresh(web, tok.Refresh).wantJSONError(400, "unauthorized_client")
}

func TestToken_RT_12_EntropyOfARefreshToken(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	for range 20 {
		if bits := len(tok.Refresh) * 5; bits < 215 { // 43 of base64url, or 52 of base32
			t.Errorf("the refresh token %q is shorter than 256 bits", tok.Refresh)
		}
		stored, err := s.store.RefreshToken(t.Context(), oauth.DigestOf(tok.Refresh))
		if err != nil || strings.Contains(string(stored.Digest), tok.Refresh) {
			t.Fatalf("the store has %+v, %v for a refresh token; want it under its digest alone", stored, err)
		}
		if _, err := s.store.RefreshToken(t.Context(), oauth.Digest(tok.Refresh)); !errors.Is(err, oauth.ErrNotFound) {
			t.Error("the store knows the refresh token itself")
		}
		tok = s.refresh(c, tok.Refresh).tokens()
	}
}

// OP-06: what ends by time does so to the second.
func TestToken_OP_06_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.AccessTokenTTL = 5 * time.Minute })
		c, machine := s.web(), s.machine()
		tok, own := s.grantTokens(c), s.machineToken(machine)
		if tok.Expires != 300 {
			t.Errorf("expires_in = %d, want 300", tok.Expires)
		}
		time.Sleep(5*time.Minute - time.Second)
		s.wantAdmits(tok.Access, true, "a second before it expires")
		s.wantAdmits(own, true, "a second before it expires")
		time.Sleep(time.Second)
		s.wantAdmits(tok.Access, false, "when it has expired")
		s.wantAdmits(own, false, "when it has expired")
		s.wantAdmits(s.refresh(c, tok.Refresh).tokens().Access, true, "refreshed")
		s.wantBlameless()
	})
}

// Purging what has ended takes nothing that lives.
func TestNeverRepeat_D14_PurgeLeavesWhatLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		old, tok := s.grantTokens(c), s.grantTokens(c, "prompt", "consent")
		for range 3 {
			time.Sleep(20 * 24 * time.Hour)
			tok = s.refresh(c, tok.Refresh).tokens()
			if _, err := s.Purge(t.Context(), oauth.EndedBefore(time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		s.wantAdmits(tok.Access, true, "after purges")
		s.refresh(c, tok.Refresh).tokens()
		s.refresh(c, old.Refresh).wantJSONError(400, "invalid_grant")
	})
}
