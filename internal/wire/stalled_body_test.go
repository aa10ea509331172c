package wire_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// The server judges a request whose body arrives late by the state when it is
// complete.

func TestToken_FR_03_SecretRotatedWhileTheBodyStalls(t *testing.T) {
	s := testkit.NewServer(t)
	reached := make(chan struct{})
	dial := testkit.ServeTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		s.ServeHTTP(w, r)
	}))
	c := s.Machine()
	a := dial.Stalled(t, c.TokenRequest("grant_type", "client_credentials"), func() {
		<-reached
		time.Sleep(50 * time.Millisecond) // for the endpoint to wait for the body
		if _, err := s.RotateSecret(t.Context(), c.ID, 0); err != nil {
			t.Fatal(err)
		}
	})
	a.WantJSONError(401, "invalid_client")
}

// rotate replaces the secret of a client at once.
func rotate(s *testkit.Server, c *testkit.Client) {
	s.T.Helper()
	if _, err := s.RotateSecret(s.T.Context(), c.ID, 0); err != nil {
		s.T.Fatal(err)
	}
}

func TestToken_FR_03_WhileTheBodyStalls(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare   func(s *testkit.Server, c *testkit.Client) []string // returns the parameters
		meanwhile func(s *testkit.Server, c *testkit.Client, pairs []string)
		stalls    time.Duration
		code      string
		want      int
	}{
		"the secret is rotated": {
			prepare:   func(s *testkit.Server, c *testkit.Client) []string { return c.CodeForm(s.Code(c)) },
			meanwhile: func(s *testkit.Server, c *testkit.Client, _ []string) { rotate(s, c) },
			stalls:    time.Second, want: 401, code: "invalid_client",
		},
		"the code expires": {
			prepare: func(s *testkit.Server, c *testkit.Client) []string { return c.CodeForm(s.Code(c)) },
			stalls:  20 * time.Second, want: 400, code: "invalid_grant",
		},
		"the refresh token is spent": {
			prepare: func(s *testkit.Server, c *testkit.Client) []string {
				return []string{"grant_type", "refresh_token", "refresh_token", s.GrantTokens(c).Refresh}
			},
			meanwhile: func(s *testkit.Server, c *testkit.Client, pairs []string) { s.Exchange(c, pairs...).Tokens() },
			stalls:    20 * time.Second, want: 400, code: "invalid_grant",
		},
		"the user's tokens are revoked": {
			prepare: func(s *testkit.Server, c *testkit.Client) []string { return c.CodeForm(s.Code(c)) },
			meanwhile: func(s *testkit.Server, _ *testkit.Client, _ []string) {
				if err := s.RevokeUser(s.T.Context(), passport.UserRef{Provider: "users", ID: "alice"}); err != nil {
					s.T.Fatal(err)
				}
			},
			stalls: time.Second, want: 400, code: "invalid_grant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t, func(c *passport.Config) { c.CodeTTL = 15 * time.Second })
				c := s.Web()
				pairs := tt.prepare(s, c)
				dial := testkit.ServePipes(t, s)
				a := dial.Stalled(t, c.TokenRequest(pairs...), func() {
					time.Sleep(time.Second)
					if tt.meanwhile != nil {
						tt.meanwhile(s, c, pairs)
					}
					time.Sleep(tt.stalls)
				})
				a.WantJSONError(tt.want, tt.code)
			})
		})
	}
}

// A replay whose body stalled revokes the family, like any replay.
func TestToken_FR_03_AReplayThatStallsEndsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		old := s.GrantTokens(c).Refresh
		var next *testkit.Tokens
		r := c.TokenRequest("grant_type", "refresh_token", "refresh_token", old)
		testkit.ServePipes(t, s).Stalled(t, r, func() {
			time.Sleep(time.Second)
			next = s.Refresh(c, old).Tokens()
			time.Sleep(12 * time.Second) // more than the grace
		}).WantJSONError(400, "invalid_grant")
		s.WantAdmits(next.Access, false, "of a family with a replayed token")
	})
}

// The server checks the expiry of a consent page's ticket when the request is
// complete.
func TestAuthorize_FR_03_TicketExpiresWhileTheBodyStalls(t *testing.T) {
	for _, media := range []string{"form", "JSON"} {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t)
			c, b := s.Web(), s.Browser().SignIn("alice")
			page := b.Authorize(c)
			var r *http.Request
			if media == "JSON" {
				r = b.Request("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": "allow"})
			} else {
				form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
				r = b.NewRequest("POST", "/oauth/authorize", form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}})
			}
			time.Sleep(10*time.Minute - 5*time.Second)
			a := testkit.ServePipes(t, s).Stalled(t, b.WithCookies(r), func() { time.Sleep(10 * time.Second) })
			if a.Status != http.StatusBadRequest {
				t.Errorf("%s: response to a page that expired while the body stalled = %d %s, want 400", media, a.Status, a.Body)
			}
		})
	}
}

// A body that the endpoint does not read counts too: CurrentUser of the application
// may read it.
func TestAuthorize_FR_03_BodyThatIsNotAForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked time.Time
		s := testkit.NewServer(t)
		s = s.Restart(func(c *passport.Config) {
			c.Users = passport.UserFuncs{ByID: s.Users.UserByID, SignInPage: "/sign-in", Current: func(r *http.Request) (*passport.User, error) {
				asked = time.Now()
				_ = r.FormValue("x")
				return s.Users.CurrentUser(r)
			}}
		})
		c, b := s.Web(), s.Browser().SignIn("alice")
		r := b.NewRequest("POST", "/oauth/authorize?"+c.Request().Encode(), "some text", http.Header{"Content-Type": {"text/plain"}})
		var sent time.Time
		testkit.ServePipes(t, s).Stalled(t, b.WithCookies(r), func() { time.Sleep(20 * time.Second); sent = time.Now() })
		if asked.IsZero() || asked.Before(sent) {
			t.Errorf("CurrentUser was called at %v, before the request was complete at %v", asked, sent)
		}
	})
}

// A personal access token has the time when its request is complete. So a revocation
// while the body stalls does not end it.
func TestJSONAPI_FR_03_RevokedWhileTheBodyStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		b := s.Browser().SignIn("alice")
		r := b.Request("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI", "scopes": []string{"read"}})
		a := testkit.ServePipes(t, s).Stalled(t, b.WithCookies(r), func() {
			time.Sleep(20 * time.Second)
			if err := s.RevokeUser(t.Context(), passport.UserRef{Provider: "users", ID: "alice"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		})
		a.WantStatus(200)
		s.WantAdmits(a.JSON()["accessToken"].(string), true, "a personal access token of a request that was complete after RevokeUser")
	})
}

// The server checks the expiry of a personal access token against the time when the
// request is complete.
func TestJSONAPI_FR_03_ExpiresWhileTheBodyStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		b := s.Browser().SignIn("alice")
		ends := time.Now().Add(10 * time.Second).UTC().Format(time.RFC3339)
		r := b.Request("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI", "expires_at": ends})
		testkit.ServePipes(t, s).Stalled(t, b.WithCookies(r), func() { time.Sleep(20 * time.Second) }).WantStatus(422)
	})
}
