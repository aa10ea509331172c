package passport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// keptStore keeps what was issued, as a store sees it.
type keptStore struct {
	oauth.Store
	begun []*oauth.Beginning
}

func (k *keptStore) Begin(ctx context.Context, b *oauth.Beginning) error {
	k.begun = append(k.begun, b)
	return k.Store.Begin(ctx, b)
}

// A code is 256 bits, and the server keeps what binds it beside it, never in it.
func TestToken_CO_01_WhatACodeIsBoundTo(t *testing.T) {
	store := &keptStore{Store: new(memstore.Store)}
	s := newServer(t, func(c *passport.Config) { c.Store, c.Resources = store, []string{"https://api.example.com"} })
	c := s.web()
	b := s.browser().signIn("alice")
	start := time.Now()
	var codes []string
	for range 20 {
		codes = append(codes, b.authorize(c, "scope", "read write", "resource", "https://api.example.com", "prompt", "consent").allow().code())
	}
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Fatalf("two of these codes are the same: %v", codes)
	}
	for _, code := range codes {
		if bits := len(code) * 6; bits < 256 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("the code %q is not 256 bits in base64url", code)
		}
	}
	k := store.begun[0].Code
	switch f := k.Family; {
	case f.ClientID != c.ID, k.RedirectURI != c.RedirectURIs[0], k.CodeChallenge != challenge(c.verifier), !slices.Equal(k.Scopes, []string{"read", "write"}):
		t.Errorf("the code is bound to %+v: want client, redirect URI, challenge and scopes of the request", k)
	case f.User != ref("alice"), f.Session != oauth.DigestOf(b.session()), !slices.Equal(f.Resources, []string{"https://api.example.com"}), f.AuthTime.IsZero():
		t.Errorf("the code's family is %+v: want user, session, resources and the time of the sign-in", f)
	case f.CreatedAt.Before(start.Truncate(time.Microsecond)):
		t.Errorf("the family began at %v, before the request came in", f.CreatedAt)
	}
}

func TestToken_CO_02_ACodeLivesAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		code := s.code(c)
		time.Sleep(59 * time.Second)
		s.redeem(c, code)
		code = s.code(c, "prompt", "consent")
		time.Sleep(time.Minute)
		s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
		s.wantBlameless()
	})
}

func TestToken_CO_02_CodeTTLIsCapped(t *testing.T) {
	config := newServer(t).config
	config.CodeTTL = 10*time.Minute + time.Second
	if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), "CodeTTL") {
		t.Errorf("New with a CodeTTL of more than 10 minutes = %v, want it refused (RFC 6749 §4.1.2)", err)
	}
}

// RFC 6749 §4.1.2: "If an authorization code is used more than once, the
// authorization server MUST deny the request and SHOULD revoke … all tokens
// previously issued based on that authorization code."
func TestNeverRepeat_A5_CO_04_ReplayRevokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{0, 31 * time.Second, 10 * 24 * time.Hour} {
			s := newServer(t, withAudit)
			c := s.web()
			code := s.code(c)
			tok := s.redeem(c, code)
			bystander := s.grantTokens(c, "prompt", "consent")
			time.Sleep(after)
			next := s.refresh(c, tok.Refresh).tokens()
			s.wantAdmits(next.Access, true, "before the replay")
			a := s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
			if !strings.Contains(a.description(), "before") {
				t.Errorf("the replay is refused with %q, which does not say what it is", a.description())
			}
			s.wantAdmits(next.Access, false, "after a replay of its code, though it was refreshed")
			s.refresh(c, next.Refresh).wantJSONError(400, "invalid_grant")
			if after < time.Hour {
				s.wantAdmits(bystander.Access, true, "of another consent, after the replay")
			}
			replays := eventsOf[passport.Replayed](s)
			if len(replays) != 1 || replays[0].What != oauth.SpendCode || replays[0].Family.User != ref("alice") || replays[0].RequestID == "" {
				t.Errorf("events of the replay = %+v, want one that names user and request", replays)
			}
			s.wantAudit("token.replayed", 1)
			s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
			if n := len(eventsOf[passport.Replayed](s)); n != 1 {
				t.Errorf("a further replay of what is dead already makes event %d", n)
			}
		}
	})
}

// Each single mismatch is enough to refuse, and none uses up the code.
func TestNeverRepeat_A3_CO_05_CO_07_PK_05_EachMismatchFailsAlone(t *testing.T) {
	s := newServer(t)
	c, other := s.web(), s.web()
	code := s.code(c)
	for name, tt := range map[string]struct {
		client *client
		pairs  []string
	}{
		"another client":                   {other, nil},
		"another redirect URI":             {c, []string{"redirect_uri", "https://app.example.com/cb2"}},
		"redirect URI in another case":     {c, []string{"redirect_uri", "https://app.example.com/CB"}},
		"redirect URI with a slash":        {c, []string{"redirect_uri", "https://app.example.com/cb/"}},
		"redirect URI with a port":         {c, []string{"redirect_uri", "https://app.example.com:443/cb"}},
		"another verifier":                 {c, []string{"code_verifier", strings.Repeat("v", 43)}},
		"the verifier in another case":     {c, []string{"code_verifier", strings.ToUpper(c.verifier)}},
		"the challenge as verifier":        {c, []string{"code_verifier", challenge(c.verifier)}},
		"no verifier":                      {c, []string{"code_verifier", ""}},
		"a code with a character more":     {c, []string{"code", code + "A"}},
		"another client's redirect and ID": {other, []string{"client_id", c.ID}},
	} {
		a := s.exchange(tt.client, append(c.codeForm(code), tt.pairs...)...)
		if want := map[bool]string{true: "invalid_request", false: "invalid_grant"}[name == "another client's redirect and ID"]; a.status != 400 || a.json()["error"] != want {
			t.Errorf("%s: %s, want %s", name, a, want)
		}
	}
	s.redeem(c, code) // nobody but the client could use it up
	s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
}

// The same for the two that time brings.
func TestNeverRepeat_A3_ExpiryAndUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.spa()
		code := s.code(c)
		time.Sleep(time.Minute)
		s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
		if n := len(eventsOf[passport.Replayed](s)); n != 0 {
			t.Errorf("an expired code that was never used counts as a replay: %d events", n)
		}
	})
}

func TestToken_CO_06_NoSuchCode(t *testing.T) {
	s := newServer(t)
	c := s.web()
	for _, code := range []string{"x", strings.Repeat("A", 43), "%00", "../../etc/passwd", strings.Repeat("A", 8000)} {
		s.exchange(c, c.codeForm(code)...).wantJSONError(400, "invalid_grant")
	}
	s.exchange(c, "grant_type", "authorization_code").wantJSONError(400, "invalid_request")
	tok := s.grantTokens(c)
	s.exchange(c, c.codeForm(tok.Refresh)...).wantJSONError(400, "invalid_grant") // a refresh token is no code
	s.refresh(c, s.code(c, "prompt", "consent")).wantJSONError(400, "invalid_grant")
	s.wantBlameless()
}

func TestToken_CO_07_RedirectURIMayBeLeftOut(t *testing.T) {
	s := newServer(t)
	c := s.web()
	redeem := func(code string, pairs ...string) *answer {
		return s.exchange(c, append([]string{"grant_type", "authorization_code", "code", code}, pairs...)...)
	}
	verifier := []string{"code_verifier", c.verifier}
	noPKCE := []string{"code_challenge", "", "code_challenge_method", ""}
	uri := c.RedirectURIs[0]

	redeem(s.code(c), verifier...).tokens() // a challenge binds it
	code := s.code(c, append(noPKCE, "prompt", "consent")...)
	redeem(code).wantJSONError(400, "invalid_grant")
	redeem(code, "redirect_uri", uri).tokens()
	redeem(s.code(c, append(noPKCE, "prompt", "consent", "redirect_uri", "")...)).tokens() // none was sent
	redeem(s.code(c, append(noPKCE, "prompt", "consent", "redirect_uri", "")...), "redirect_uri", uri).wantJSONError(400, "invalid_grant")
}

func TestToken_CO_08_TheChallengeStaysHere(t *testing.T) {
	s := newServer(t)
	c := s.web()
	a := s.exchange(c, c.codeForm(s.code(c))...)
	if strings.Contains(a.body, challenge(c.verifier)) || strings.Contains(a.body, "challenge") {
		t.Errorf("the token response repeats the code challenge: %s", a.body)
	}
}

// What was revoked after the code was issued: the code is worth nothing.
func TestToken_CO_09_CodeOfWhatHasEnded(t *testing.T) {
	for name, end := range map[string]func(*server, *client, *browser) error{
		"consent withdrawn": func(s *server, c *client, _ *browser) error { return s.Withdraw(s.t.Context(), ref("alice"), c.ID) },
		"user revoked":      func(s *server, _ *client, _ *browser) error { return s.RevokeUser(s.t.Context(), ref("alice")) },
		"user at client": func(s *server, c *client, _ *browser) error {
			return s.RevokeUserAtClient(s.t.Context(), ref("alice"), c.ID)
		},
		"user gone": func(s *server, _ *client, _ *browser) error { s.users.remove("alice"); return nil },
		"password changed": func(s *server, _ *client, _ *browser) error {
			return s.PasswordChanged(s.t.Context(), ref("alice"), "")
		},
		"session ended": func(s *server, _ *client, b *browser) error {
			return s.EndSession(s.t.Context(), ref("alice"), b.session())
		},
		"client suspended": func(s *server, c *client, _ *browser) error { s.suspend(c); return nil },
		"client revoked":   func(s *server, c *client, _ *browser) error { return s.RevokeClient(s.t.Context(), c.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := s.web()
			b := s.browser().signIn("alice")
			code := b.authorize(c).allow().code()
			if err := end(s, c, b); err != nil {
				t.Fatal(err)
			}
			a := s.exchange(c, c.codeForm(code)...)
			if want := map[bool]string{true: "invalid_client", false: "invalid_grant"}[strings.HasPrefix(name, "client")]; a.json()["error"] != want || a.status == http.StatusOK {
				t.Errorf("%s: %s, want %s", name, a, want)
			}
			s.wantBlameless()
		})
	}
}

// What ends one session or one user leaves the others alone.
func TestToken_CO_09_OthersStay(t *testing.T) {
	s := newServer(t)
	c, other := s.web(), s.web()
	b := s.browser().signIn("alice")
	bob := s.browser().signIn("bob")
	codes := map[*client]string{c: b.authorize(c).allow().code(), other: b.authorize(other).allow().code()}
	bobs := bob.authorize(c).allow().code()
	if err := errors.Join(s.Withdraw(t.Context(), ref("alice"), c.ID), s.EndSession(t.Context(), ref("alice"), "another session")); err != nil {
		t.Fatal(err)
	}
	s.exchange(c, c.codeForm(codes[c])...).wantJSONError(400, "invalid_grant")
	s.redeem(other, codes[other])
	s.redeem(c, bobs)
	if err := s.EndSession(t.Context(), ref("alice"), ""); err == nil {
		t.Error("EndSession without a session ID = nil, want an error: it must never mean all of them")
	}
}
