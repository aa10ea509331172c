package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// A failing store never gives a success. If a retry may help, the response is 503 with a
// Retry-After within the grace period of a refresh, otherwise server_error without
// details.
func TestNeverRepeat_D1_OP_04_TokenEndpointWithAFailingStore(t *testing.T) {
	for _, verb := range []string{"Client", "Code", "RefreshToken", "AccessToken", "Issue", "RevokeFamily"} {
		t.Run(verb, func(t *testing.T) {
			s, store := testkit.Watched(t)
			c := s.Web()
			tok, pending := s.GrantTokens(c), s.Code(c, "prompt", "consent")
			first := s.Refresh(c, tok.Refresh).Tokens()
			older := s.GrantTokens(c, "prompt", "consent")
			s.Refresh(c, s.Refresh(c, older.Refresh).Tokens().Refresh).Tokens() // whose first token is replayed below
			requests := map[string]func() *testkit.Response{
				"code":   func() *testkit.Response { return s.Exchange(c, c.CodeForm(pending)...) },
				"retry":  func() *testkit.Response { return s.Refresh(c, tok.Refresh) },
				"replay": func() *testkit.Response { return s.Refresh(c, older.Refresh) },
				"next":   func() *testkit.Response { return s.Refresh(c, first.Refresh) },
			}
			meets := map[string][]string{
				"Client": {"code", "retry", "replay", "next"}, "Code": {"code"}, "RefreshToken": {"retry", "replay", "next"},
				"AccessToken": {"retry"}, "Issue": {"code", "next"}, "RevokeFamily": {"replay"},
			}[verb]
			for _, name := range meets {
				store.Failing(verb, testkit.ErrOutOfReach)
				requests[name]().WantTryLater()
				store.Failing(verb, errors.New("syntax error near DROP"))
				a := requests[name]().WantJSONError(500, "server_error")
				if strings.Contains(a.Body, "syntax") || a.Description() != "" {
					t.Errorf("the response contains the store's error: %s", a.Body)
				}
			}
			store.Failing("", nil)
			if a := requests["code"](); a.Status != 200 {
				t.Errorf("after the failure, redeeming the code = %s, want tokens", a)
			}
			if verb != "RevokeFamily" && requests["next"]().Status != 200 {
				t.Error("after the failure, the refresh token is refused, want tokens")
			}
			requests["replay"]().WantJSONError(400, "invalid_grant")
			if n := len(testkit.EventsOf[passport.Replayed](s)); n != 1 {
				t.Errorf("%d Replayed events, want 1, after the replay was stored", n)
			}
		})
	}
}

// lossyStore commits and then returns an error, as if the response to COMMIT was lost.
type lossyStore struct {
	oauth.Store
	lose bool
}

func (l *lossyStore) Issue(ctx context.Context, i *oauth.Issuance) error {
	if err := l.Store.Issue(ctx, i); err != nil || !l.lose {
		return err
	}
	return fmt.Errorf("commit: %w", oauth.ErrUnavailable)
}

// After a 503, a retry of the same refresh gets the stored tokens.
func TestToken_OP_04_NoRotationIsLost(t *testing.T) {
	store := &lossyStore{Store: new(memstore.Store)}
	s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
	c := s.Web()
	tok := s.GrantTokens(c)
	store.lose = true
	s.Refresh(c, tok.Refresh).WantTryLater()
	store.lose = false
	next := s.Refresh(c, tok.Refresh).Tokens()
	s.WantAdmits(next.Access, true, "after a lost response")
	s.Refresh(c, next.Refresh).Tokens()
	if n := len(testkit.EventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("%d Replayed events after a lost response, want none", n)
	}
}

// The grace period must be longer than Retry-After, or a client would retry too late.
func TestToken_OP_04_GraceIsLongerThanTheWait(t *testing.T) {
	config := testkit.NewServer(t).Config
	for grace, ok := range map[time.Duration]bool{time.Second: false, oauth.RetryAfter * time.Second: false, oauth.RetryAfter*time.Second + 1: true, -1: true} {
		config.RefreshTokenGrace = grace
		if _, err := passport.New(config); (err == nil) != ok {
			t.Errorf("New() with a grace period of %v = %v, want it accepted: %v", grace, err, ok)
		}
	}
}

// A client that disconnects is not logged as a server error.
func TestToken_OP_04_ClientDisconnects(t *testing.T) {
	s, store := testkit.Watched(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	ctx, cancel := context.WithCancel(t.Context())
	store.Failing("RefreshToken", context.Canceled)
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", s.TokenURL(), strings.NewReader("grant_type=refresh_token&refresh_token="+tok.Refresh))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
	if a := s.Do(r); a.Status == http.StatusOK {
		t.Errorf("the response to a disconnected client = %s", a)
	}
	s.WantBlameless()
}

// An invalid user from a provider is an error.
func TestToken_ProviderReturnsAnInvalidUser(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	for name, user := range map[string]*passport.User{"nil": nil, "another user": {ID: "bob"}, "no ID": {}} {
		broken := s.Restart(func(c *passport.Config) {
			c.Users = passport.UserFuncs{
				Current:    s.Users.CurrentUser,
				ByID:       func(context.Context, string) (*passport.User, error) { return user, nil },
				SignInPage: "/login",
			}
		})
		if a := broken.Call(broken.Guard(), "Authorization", "Bearer "+tok.Access); a.Status != 500 {
			t.Errorf("%s: the guard responds %s, want 500", name, a)
		}
		broken.Refresh(c, tok.Refresh).WantJSONError(500, "server_error")
	}
	s.Refresh(c, tok.Refresh).Tokens()
}

// Users of a provider that was removed from the configuration may no longer act, and no
// user of another provider takes their place.
func TestNeverRepeat_D6_RemovedProvider(t *testing.T) {
	staff := testkit.NewAccounts("alice")
	s := testkit.NewServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	staff.Sessions["x"] = staff.ByID["alice"]
	c := s.Register(passport.Registration{Provider: "staff"})
	b := s.Browser()
	b.SetCookie(testkit.SessionCookie, "x")
	tok := s.Redeem(c, b.Authorize(c).Allow().Code())
	if a := s.Call(s.GuardAny(), "Authorization", "Bearer "+tok.Access); a.Status != http.StatusForbidden {
		t.Errorf("a guard for the default users responds %s to a token of staff, want 403", a)
	}
	without := s.Restart(func(c *passport.Config) { c.Providers = nil })
	without.Refresh(c, tok.Refresh).WantJSONError(400, "invalid_grant")
	without.WantAdmits(tok.Access, false, "of a removed provider")
	s.WantBlameless()
}
