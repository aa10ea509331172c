package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// closing is a user provider that counts the calls of UserByID, and can replace it while
// sign-in and passwords keep working.
type closing struct {
	*testkit.Accounts
	byID  func() (*passport.User, error) // replaces UserByID, if set
	calls atomic.Int64
}

func (c *closing) UserByID(ctx context.Context, id string) (*passport.User, error) {
	c.calls.Add(1)
	if c.byID != nil {
		return c.byID()
	}
	return c.Accounts.UserByID(ctx, id)
}

// forgetful returns a grant that issues for alice without checking that she exists.
func forgetful() oauth.Grant {
	n := 0
	return testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		n++
		return &oauth.Authorization{
			Subject: oauth.ForUser(testkit.Ref("alice")), Scopes: []string{"read"}, Refresh: true, NewFamily: true,
			Family: &oauth.Family{ID: fmt.Sprint("family ", n), User: testkit.Ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time},
		}, nil
	})
}

// issuance is a way to get a token for a user. prepare runs while the account is open, and
// returns the function that requests the token.
type issuance struct {
	prepare func(s *testkit.Server) (ask func() *testkit.Response)
	calls   int64  // of UserByID for one token
	deleted string // the error code for a deleted user
}

// responseOf returns the error of a Go call as an HTTP response.
func responseOf(t *testing.T, err error) *testkit.Response {
	a := &testkit.Response{T: t, Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"error":""}`}
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		a.Body = `{"error":"not found"}`
	case err != nil:
		a.Body = fmt.Sprintf(`{"error":%q}`, oauth.AsError(err).Code)
	}
	return a
}

var issuances = map[string]issuance{
	"own grant": {func(s *testkit.Server) func() *testkit.Response {
		c := s.Kiosk("refresh_token")
		return func() *testkit.Response { return s.Exchange(c, "grant_type", testkit.VoucherType) }
	}, 1, "invalid_grant"},
	"code": {func(s *testkit.Server) func() *testkit.Response {
		c := s.Web()
		code := s.Code(c)
		return func() *testkit.Response { return s.Exchange(c, c.CodeForm(code)...) }
	}, 1, "invalid_grant"},
	"refresh": {func(s *testkit.Server) func() *testkit.Response {
		c := s.Web()
		token := s.GrantTokens(c).Refresh
		return func() *testkit.Response { return s.Refresh(c, token) }
	}, 1, "invalid_grant"},
	"retry within the grace": {func(s *testkit.Server) func() *testkit.Response {
		c := s.Web()
		token := s.GrantTokens(c).Refresh
		s.Refresh(c, token).Tokens()
		return func() *testkit.Response { return s.Refresh(c, token) }
	}, 1, "invalid_grant"},
	"password": {func(s *testkit.Server) func() *testkit.Response {
		c := s.Legacy()
		return func() *testkit.Response { return s.SignIn(c, "alice", testkit.PasswordOf("alice")) }
	}, 2, "invalid_grant"},
	"personal token": {func(s *testkit.Server) func() *testkit.Response {
		return func() *testkit.Response {
			_, err := s.CreateToken(s.T.Context(), testkit.Ref("alice"), "laptop", "read")
			return responseOf(s.T, err)
		}
	}, 1, "not found"},
	"personal token, JSON API": {func(s *testkit.Server) func() *testkit.Response {
		b := s.Browser().SignIn("alice")
		return func() *testkit.Response {
			return b.Ask("POST", "/oauth/personal-access-tokens", map[string]any{"name": "laptop"})
		}
	}, 1, "401"},
	"implicit, without a page": {func(s *testkit.Server) func() *testkit.Response {
		c, b := s.Board(passport.Registration{Name: "Trusted"}), s.Browser().SignIn("alice")
		return func() *testkit.Response { return b.AuthorizeToken(c, "prompt", "none") }
	}, 1, "access_denied"},
	"implicit, with a page": {func(s *testkit.Server) func() *testkit.Response {
		page := s.Browser().SignIn("alice").AuthorizeToken(s.Board(passport.Registration{}), "prompt", "consent")
		return func() *testkit.Response { return page.Allow() }
	}, 1, "access_denied"},
	"own responder": {func(s *testkit.Server) func() *testkit.Response {
		page := s.Browser().SignIn("alice").AuthorizeToken(s.Board(passport.Registration{GrantTypes: []string{testkit.BadgeType}}), "response_type", "badge", "prompt", "consent")
		return func() *testkit.Response { return page.Allow() }
	}, 1, "access_denied"},
	"guard": {func(s *testkit.Server) func() *testkit.Response {
		token := s.GrantTokens(s.Web()).Access
		return func() *testkit.Response { return s.Call(s.Guard(), "Authorization", "Bearer "+token) }
	}, 1, "invalid_token"},
	"guard, first-party cookie": {func(s *testkit.Server) func() *testkit.Response {
		b := s.Browser().SignIn("alice")
		b.Page(nil)
		return func() *testkit.Response { return b.Script(s.Guard()) }
	}, 1, "invalid_token"},
}

// errorOf returns the error code of a response, from JSON, the fragment of a redirect, or a
// challenge. For the JSON API it is the status.
func errorOf(a *testkit.Response) string {
	switch challenge := a.Header.Get("WWW-Authenticate"); {
	case strings.Contains(a.Target(), "#"):
		return a.Fragment().Get("error")
	case challenge != "":
		_, code, _ := strings.Cut(challenge, `error="`)
		code, _, _ = strings.Cut(code, `"`)
		return code
	case strings.Contains(a.Body, `"message"`):
		return fmt.Sprint(a.Status)
	}
	return testkit.AsText(a.JSON()["error"])
}

func closingServer(t *testing.T) (*testkit.Server, *closing, *testkit.WatchedStore) {
	t.Helper()
	users := new(closing)
	s, store := testkit.Watched(t, testkit.WithGrants(forgetful()), testkit.WithPasswords, testkit.WithImplicit,
		testkit.WithResponder(func(r *oauth.AuthorizationRequest) (*oauth.Authorization, error) { return testkit.Badge(r), nil }),
		func(c *passport.Config) {
			users.Accounts = c.Users.(*testkit.Accounts)
			c.Users = users
			c.SkipConsent = func(_ context.Context, c *oauth.Client, _ *passport.User) bool { return c.Name == "Trusted" }
		})
	return s, users, store
}

// The server calls UserByID once for every user for whom it issues or admits a token, with
// every grant, responder and method of Server. It issues nothing unless UserByID returns this
// user.
func TestToken_FR_14_EveryIssuanceCallsUserByID(t *testing.T) {
	server := map[string]string{"401": "500"} // error codes of the JSON API, by the code for a deleted user
	for name, tt := range map[string]struct {
		byID func() (*passport.User, error)
		want string // empty: the code for a deleted user
	}{
		"deleted":    {func() (*passport.User, error) { return nil, fmt.Errorf("SELECT: %w", oauth.ErrNotFound) }, ""},
		"nil":        {func() (*passport.User, error) { return nil, nil }, "server_error"},
		"another ID": {func() (*passport.User, error) { return &passport.User{ID: "bob"}, nil }, "server_error"},
		"no ID":      {func() (*passport.User, error) { return &passport.User{}, nil }, "server_error"},
		"an error":   {func() (*passport.User, error) { return nil, errors.New("no such table") }, "server_error"},
		"unavailable": {func() (*passport.User, error) { return nil, fmt.Errorf("dial: %w", oauth.ErrUnavailable) },
			"temporarily_unavailable"},
	} {
		for way, i := range issuances {
			t.Run(way+"/"+name, func(t *testing.T) {
				s, users, store := closingServer(t)
				ask := i.prepare(s)
				users.byID = tt.byID
				issued, events := store.Count("Issue"), len(testkit.EventsOf[passport.AccessTokenIssued](s))
				a := ask()
				want := tt.want
				switch {
				case want == "":
					want = i.deleted
				case server[i.deleted] != "" && want == "temporarily_unavailable":
					want = "503"
				case server[i.deleted] != "":
					want = "500"
				}
				if got := errorOf(a); got != want {
					t.Errorf("UserByID returns %q: error = %q, want %q: %s", name, got, want, a)
				}
				if want == "temporarily_unavailable" && way != "personal token" && !strings.Contains(a.Target(), "#") && a.Status != 503 {
					t.Errorf("UserByID is unavailable: status = %d, want 503", a.Status)
				}
				if strings.Contains(a.Body, "access_token") || strings.Contains(a.Target(), "access_token") {
					t.Errorf("UserByID returns %q: a token was issued: %s", name, a)
				}
				if n := store.Count("Issue"); n != issued {
					t.Errorf("UserByID returns %q: %d tokens were stored, want none", name, n-issued)
				}
				if n := len(testkit.EventsOf[passport.AccessTokenIssued](s)); n != events {
					t.Errorf("UserByID returns %q: %d AccessTokenIssued events, want none", name, n-events)
				}
			})
		}
	}
	for way, i := range issuances {
		t.Run(way+"/existing", func(t *testing.T) {
			s, users, _ := closingServer(t)
			ask := i.prepare(s)
			users.calls.Store(0)
			if a := ask(); a.Status >= 400 || strings.Contains(a.Target(), "error=") || strings.Contains(a.Body, `"error":"`) && !strings.Contains(a.Body, `"error":""`) {
				t.Errorf("an existing user gets no token: %s", a)
			}
			if n := users.calls.Load(); n != i.calls {
				t.Errorf("UserByID was called %d times for one token, want %d", n, i.calls)
			}
		})
	}
}

// The right password of a closed account gets the same response as a wrong password, and
// counts for the throttle.
func TestToken_FR_14_PasswordOfAClosedAccountIsCounted(t *testing.T) {
	s, users, _ := closingServer(t)
	c := s.Legacy()
	wrong := s.SignIn(c, "alice", "wrong")
	users.byID = func() (*passport.User, error) { return nil, oauth.ErrNotFound }
	if a := s.SignIn(c, "alice", testkit.PasswordOf("alice")); a.Body != wrong.Body || a.Status != wrong.Status {
		t.Errorf("the right password of a closed account = %s, want the response to a wrong one: %s", a, wrong)
	}
	for range 20 {
		if s.SignIn(c, "alice", testkit.PasswordOf("alice")).Status == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("22 attempts with the right password of a closed account gave no 429: the throttle doesn't count them")
}

// Users of a provider that is no longer configured count as deleted.
func TestToken_FR_14_UnknownProvider(t *testing.T) {
	s, staff := testkit.WithStaff(t, "alice")
	clerk := oauth.UserRef{Provider: "staff", ID: "alice"}
	own := testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{Subject: oauth.ForUser(clerk), NewFamily: true, Family: &oauth.Family{
			ID: fmt.Sprint(r.Time.UnixNano()), User: clerk, ClientID: r.Client.ID, CreatedAt: r.Time,
		}}, nil
	})
	s = s.Restart(testkit.WithGrants(own))
	staff.Server = s.Server
	kiosk := s.Register(passport.Registration{GrantTypes: []string{testkit.VoucherType}, Provider: "staff"})
	web := s.Register(passport.Registration{Provider: "staff"})
	code, tok := staff.Code(web), staff.GrantTokens(web, "prompt", "consent")
	refreshed := s.Refresh(web, tok.Refresh).Tokens()
	s.Exchange(kiosk, "grant_type", testkit.VoucherType).Tokens()
	without := s.Restart(func(c *passport.Config) { c.Providers = nil })
	for name, a := range map[string]*testkit.Response{
		"own grant": without.Exchange(kiosk, "grant_type", testkit.VoucherType),
		"code":      without.Exchange(web, web.CodeForm(code)...),
		"retry":     without.Refresh(web, tok.Refresh),
		"refresh":   without.Refresh(web, refreshed.Refresh),
	} {
		if a.WantJSONError(400, "invalid_grant"); a.Description() != "the account may no longer act" {
			t.Errorf("%s: error_description = %q", name, a.Description())
		}
	}
	without.WantAdmits(tok.Access, false, "of a provider that is no longer configured")
	if _, err := without.CreateToken(t.Context(), clerk, "laptop"); err == nil {
		t.Error("CreateToken() for a user of an unknown provider = nil, want an error")
	}
	for c, err := range s.Clients(t.Context()) {
		if testkit.Check(t, err); c.Key != "" {
			t.Errorf("the client %q was created for personal tokens of an unknown provider", c.Key)
		}
	}
	s.WantBlameless()
}

// A grant without checks is still bound to the server's rules: the family must be live, and
// a retry returns a token of the same family.
func TestToken_FR_14_OwnGrantCannotRevive(t *testing.T) {
	var decide func(r *oauth.TokenRequest) *oauth.Authorization
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) { return decide(r), nil })))
	kiosk, web := s.Kiosk("refresh_token"), s.Web()
	tok := s.GrantTokens(web)
	stored, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(tok.Refresh))
	testkit.Check(t, err)

	ended := *stored.Family
	ended.ExpiresAt = time.Now().Add(-time.Second)
	revoked := *stored.Family
	revoked.RevokedAt = time.Now()
	for name, f := range map[string]*oauth.Family{"ended": &ended, "revoked": &revoked} {
		decide = func(*oauth.TokenRequest) *oauth.Authorization {
			return &oauth.Authorization{Subject: oauth.ForUser(testkit.Ref("alice")), Family: f}
		}
		if a := s.Exchange(kiosk, "grant_type", testkit.VoucherType).WantJSONError(400, "invalid_grant"); a.Description() != "the authorization was revoked or has ended" {
			t.Errorf("a token in a family that was %s: error_description = %q", name, a.Description())
		}
	}

	// bob's token, as if it had been issued to alice before.
	bobs := s.Row(s.Redeem(web, s.Browser().SignIn("bob").Authorize(web).Allow().Code()).Access)
	s.Refresh(web, tok.Refresh).Tokens()
	spent, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(tok.Refresh))
	testkit.Check(t, err)
	again := *spent.Successor
	again.AccessTokenID = bobs.ID
	decide = func(r *oauth.TokenRequest) *oauth.Authorization {
		family := *spent.Family
		family.ClientID = r.Client.ID
		return &oauth.Authorization{
			Subject: oauth.ForUser(testkit.Ref("alice")), Family: &family, Scopes: []string{"read"}, Refresh: true, Retried: &again,
			Spends: oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(spent.Digest)},
		}
	}
	if a := s.Exchange(kiosk, "grant_type", testkit.VoucherType).WantJSONError(500, "server_error"); strings.Contains(a.Body, "access_token") {
		t.Errorf("a grant for alice got bob's token: %s", a)
	}
	if !strings.Contains(s.Log.String(), "another family or client") {
		t.Errorf("the log does not name the fault of the grant: %s", s.Log)
	}
}
