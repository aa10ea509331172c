package passport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

var errOutOfReach = fmt.Errorf("dial tcp 10.0.0.1:5432: %w", oauth.ErrUnavailable)

// A store that fails is never a success: 503 with a Retry-After within the grace
// of a refresh where asking again may help, a bare server_error where it does
// not.
func TestNeverRepeat_D1_OP_04_TokenEndpointWithAFailingStore(t *testing.T) {
	for _, verb := range []string{"Client", "Code", "RefreshToken", "AccessToken", "Issue", "RevokeFamily"} {
		t.Run(verb, func(t *testing.T) {
			s, store := watched(t)
			c := s.web()
			tok, pending := s.grantTokens(c), s.code(c, "prompt", "consent")
			first := s.refresh(c, tok.Refresh).tokens()
			older := s.grantTokens(c, "prompt", "consent")
			s.refresh(c, s.refresh(c, older.Refresh).tokens().Refresh).tokens() // whose first token is replayed below
			requests := map[string]func() *answer{
				"code":   func() *answer { return s.exchange(c, c.codeForm(pending)...) },
				"retry":  func() *answer { return s.refresh(c, tok.Refresh) },
				"replay": func() *answer { return s.refresh(c, older.Refresh) },
				"next":   func() *answer { return s.refresh(c, first.Refresh) },
			}
			meets := map[string][]string{
				"Client": {"code", "retry", "replay", "next"}, "Code": {"code"}, "RefreshToken": {"retry", "replay", "next"},
				"AccessToken": {"retry"}, "Issue": {"code", "next"}, "RevokeFamily": {"replay"},
			}[verb]
			for _, name := range meets {
				store.failing(verb, errOutOfReach)
				wantTryLater(t, requests[name]())
				store.failing(verb, errors.New("syntax error near DROP"))
				a := requests[name]().wantJSONError(500, "server_error")
				if strings.Contains(a.body, "syntax") || a.description() != "" {
					t.Errorf("the client is told of the store's error: %s", a.body)
				}
			}
			store.failing("", nil)
			if a := requests["code"](); a.status != 200 {
				t.Errorf("after the store is back the code is answered %s: a failure used it up", a)
			}
			if verb != "RevokeFamily" && requests["next"]().status != 200 {
				t.Error("after the store is back the refresh token is refused: a failure used it up")
			}
			requests["replay"]().wantJSONError(400, "invalid_grant")
			if n := len(eventsOf[passport.Replayed](s)); n != 1 {
				t.Errorf("%d replays were announced, want one, once it was stored", n)
			}
		})
	}
}

// wantTryLater fails unless the answer is 503 with a Retry-After within the
// grace of a refresh.
func wantTryLater(t *testing.T, a *answer) {
	t.Helper()
	after, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusServiceUnavailable || a.json()["error"] != "temporarily_unavailable" || err != nil || time.Duration(after)*time.Second >= 10*time.Second || after < 1 {
		t.Errorf("%s with Retry-After %q; want 503 temporarily_unavailable, and a wait shorter than the grace of 10 seconds", a, a.header.Get("Retry-After"))
	}
	if strings.Contains(a.body, "10.0.0.1") {
		t.Errorf("the client is told where the store is: %s", a.body)
	}
}

// A guard whose store fails lets nobody in.
func TestNeverRepeat_D1_OP_04_GuardFailsClosed(t *testing.T) {
	s, store := watched(t)
	c := s.web()
	token, own := s.grantTokens(c).Access, s.machineToken(s.machine())
	guards := map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "GuardClient": s.GuardClient(), "GuardAny": s.GuardAny()}
	for _, err := range []error{errOutOfReach, errors.New("syntax error near DROP"), context.DeadlineExceeded} {
		store.failing("AccessToken", err)
		for name, g := range guards {
			for _, bearer := range []string{token, own} {
				a := s.call(g, "Authorization", "Bearer "+bearer)
				if errors.Is(err, oauth.ErrUnavailable) {
					wantTryLater(t, a)
				} else {
					a.wantJSONError(500, "server_error")
				}
				if a.header.Get("WWW-Authenticate") != "" {
					t.Errorf("%s: a fault of ours is answered with a challenge, as if the token were bad: clients would throw it away", name)
				}
			}
		}
	}
	store.failing("", nil)
	s.users.with(func() { s.users.failure = fmt.Errorf("directory: %w", oauth.ErrUnavailable) })
	wantTryLater(t, s.call(s.Guard(), "Authorization", "Bearer "+token))
	s.users.with(func() { s.users.failure = errors.New("no such table") })
	s.call(s.Guard(), "Authorization", "Bearer "+token).wantJSONError(500, "server_error")
	s.call(s.GuardClient(), "Authorization", "Bearer "+own).told() // asks no user
	s.users.with(func() { s.users.failure = nil })
	s.call(s.Guard(), "Authorization", "Bearer "+token).told()
}

// lossyStore commits and then says that it does not know: a COMMIT whose answer
// was lost.
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

// No rotation is lost with an answer: after a 503 the same request gets the
// tokens that were stored.
func TestToken_OP_04_NoRotationIsLost(t *testing.T) {
	store := &lossyStore{Store: new(memstore.Store)}
	s := newServer(t, func(c *passport.Config) { c.Store = store })
	c := s.web()
	tok := s.grantTokens(c)
	store.lose = true
	wantTryLater(t, s.refresh(c, tok.Refresh))
	store.lose = false
	next := s.refresh(c, tok.Refresh).tokens()
	s.wantAdmits(next.Access, true, "after an answer was lost")
	s.refresh(c, next.Refresh).tokens()
	if n := len(eventsOf[passport.Replayed](s)); n != 0 {
		t.Errorf("a lost answer raised %d alarms", n)
	}
}

// A grace within which nobody who was told to try later would try again is none.
func TestToken_OP_04_GraceIsLongerThanTheWait(t *testing.T) {
	config := newServer(t).config
	for grace, ok := range map[time.Duration]bool{time.Second: false, oauth.RetryAfter * time.Second: false, oauth.RetryAfter*time.Second + 1: true, -1: true} {
		config.RefreshTokenGrace = grace
		if _, err := passport.New(config); (err == nil) != ok {
			t.Errorf("New with a grace of %v = %v, want it accepted: %v", grace, err, ok)
		}
	}
}

// A client that hangs up is nobody's fault.
func TestToken_OP_04_ClientHangsUp(t *testing.T) {
	s, store := watched(t)
	c := s.web()
	tok := s.grantTokens(c)
	ctx, cancel := context.WithCancel(t.Context())
	store.failing("RefreshToken", context.Canceled)
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", s.tokenURL(), strings.NewReader("grant_type=refresh_token&refresh_token="+tok.Refresh))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", basic(c.ID, c.secret))
	if a := s.do(r); a.status == http.StatusOK {
		t.Errorf("a request that was given up got %s", a)
	}
	s.wantBlameless()
}

// What a provider says of a user is taken at its word only where it makes sense.
func TestToken_ProviderThatMixesUsersUp(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	for name, answer := range map[string]*passport.User{"nil": nil, "another user": {ID: "bob"}, "nobody": {}} {
		broken := s.restart(func(c *passport.Config) {
			c.Users = passport.UserFuncs{
				Current:    s.users.CurrentUser,
				ByID:       func(context.Context, string) (*passport.User, error) { return answer, nil },
				SignInPage: "/login",
			}
		})
		if a := broken.call(broken.Guard(), "Authorization", "Bearer "+tok.Access); a.status != 500 {
			t.Errorf("%s: the guard answers %s, want 500", name, a)
		}
		broken.refresh(c, tok.Refresh).wantJSONError(500, "server_error")
	}
	s.refresh(c, tok.Refresh).tokens()
}

// A provider that is not configured any more: its users may no longer act, and
// it is nobody else's user who does.
func TestNeverRepeat_D6_ProviderThatIsGone(t *testing.T) {
	staff := newAccounts("alice")
	s := newServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": staff} })
	staff.sessions["x"] = staff.byID["alice"]
	c := s.register(passport.Registration{Provider: "staff"})
	b := s.browser()
	b.setCookie(sessionCookie, "x")
	tok := s.redeem(c, b.authorize(c).allow().code())
	if a := s.call(s.GuardAny(), "Authorization", "Bearer "+tok.Access); a.status != http.StatusForbidden {
		t.Errorf("a guard for the default users answers %s to a token of staff, want 403", a)
	}
	without := s.restart(func(c *passport.Config) { c.Providers = nil })
	without.refresh(c, tok.Refresh).wantJSONError(400, "invalid_grant")
	without.wantAdmits(tok.Access, false, "of a provider that is gone")
	s.wantBlameless()
}
