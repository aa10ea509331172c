package tokens_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// sessionLife is the lifetime of the sessions in these tests.
const sessionLife = 30 * time.Minute

// sessionEnding returns a server whose sessions expire after sessionLife.
func sessionEnding(t *testing.T, change ...func(*passport.Config)) *testkit.Server {
	t.Helper()
	s := testkit.NewServer(t, append(change, func(c *passport.Config) {
		c.EnableImplicitGrant, c.EnablePasswordGrant = true, true
		c.Scopes = append(c.Scopes, passport.Scope{ID: "offline_access", Description: "Work while you are away"})
	})...)
	s.Users.ByID["alice"].SessionExpiresAt = time.Now().Add(sessionLife)
	return s
}

// Tokens that end with a session also end when the session expires without a sign-out. This
// holds for each grant of a user, and a refresh doesn't extend it.
func TestToken_FR_09_FamilyEndsWhenTheSessionExpires(t *testing.T) {
	for name, tt := range map[string]struct {
		server, client bool
		scope          string
		ends           bool
	}{
		"no setting":                     {},
		"the server":                     {server: true, ends: true},
		"the client":                     {client: true, ends: true},
		"the server, but offline_access": {server: true, scope: "read offline_access"},
		"the client, but offline_access": {client: true, scope: "read offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sessionEnding(t, func(c *passport.Config) { c.FamiliesEndWithSession = tt.server })
				web := s.Register(passport.Registration{EndsWithSession: tt.client})
				legacy := s.Legacy(func(r *passport.Registration) { r.EndsWithSession = tt.client })
				board := s.Board(passport.Registration{EndsWithSession: tt.client})
				scope := []string{}
				if tt.scope != "" {
					scope = []string{"scope", tt.scope}
				}
				byCode := s.GrantTokens(web, scope...)
				byPassword := s.SignIn(legacy, "alice", testkit.PasswordOf("alice"), scope...).Tokens()
				byImplicit := s.Browser().SignIn("alice").AuthorizeToken(board, scope...).Allow().Token()
				personal := s.Personal("read").AccessToken

				time.Sleep(sessionLife - time.Minute)
				s.WantAdmits(byImplicit, true, "of the implicit grant, while the session lasts")
				byCode, byPassword = s.Refresh(web, byCode.Refresh).Tokens(), s.Refresh(legacy, byPassword.Refresh).Tokens()
				if want := 60; tt.ends && (byCode.Expires != want || byPassword.Expires != want) {
					t.Errorf("a minute before the session expires, expires_in = %d for a code and %d for a password, want %d", byCode.Expires, byPassword.Expires, want)
				}

				time.Sleep(time.Minute)
				s.WantAdmits(personal, true, "personal, after the session")
				s.WantAdmits(byCode.Access, !tt.ends, "of a code, after the session")
				s.WantAdmits(byPassword.Access, !tt.ends, "of a password, after the session")
				s.WantAdmits(byImplicit, !tt.ends, "of the implicit grant, after the session")
				if a := s.Refresh(web, byCode.Refresh); (a.Status == 200) == tt.ends {
					t.Errorf("refresh after the session has expired = %s, want tokens: %v", a, !tt.ends)
				}
				if a := s.Refresh(legacy, byPassword.Refresh); (a.Status == 200) == tt.ends {
					t.Errorf("refresh of the password grant after the session has expired = %s, want tokens: %v", a, !tt.ends)
				}
			})
		})
	}
}

// A code also ends when its session expires, as with EndSession.
func TestToken_FR_09_CodeEndsWhenTheSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionEnding(t)
		c := s.Web()
		time.Sleep(sessionLife - time.Second)
		code := s.Code(c)
		time.Sleep(time.Second)
		s.Exchange(c, c.CodeForm(code)...).WantJSONError(400, "invalid_grant")
	})
}

// A provider may still return a user whose session has just expired.
func TestAuthorize_FR_09_ExpiredSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionEnding(t, func(c *passport.Config) { c.FamiliesEndWithSession = true })
		c, b := s.Web(), s.Browser().SignIn("alice")
		s.Redeem(c, b.Authorize(c).Allow().Code())
		time.Sleep(sessionLife - time.Minute)
		page := b.Authorize(c, "prompt", "consent")
		time.Sleep(time.Minute)
		if a := b.Authorize(c, "prompt", "none"); !strings.Contains(a.Target(), "error=login_required") {
			t.Errorf("prompt=none after the session has expired = %s, want login_required", a)
		}
		if a := page.Allow(); strings.Contains(a.Target(), "code=") || !strings.Contains(a.Target(), "return_to=") {
			t.Errorf("Allow() after the session has expired = %s, want the sign-in page", a)
		}
	})
}
