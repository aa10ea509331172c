package passport_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
)

// A request whose body comes later than its head is judged by what holds when
// all of it is there.

func TestToken_FR_03_SecretRotatedWhileTheBodyStalls(t *testing.T) {
	s := newServer(t)
	reached := make(chan struct{})
	dial := serveTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		s.ServeHTTP(w, r)
	}))
	c := s.machine()
	a := dial.stalled(t, c.tokenRequest("grant_type", "client_credentials"), func() {
		<-reached
		time.Sleep(50 * time.Millisecond) // for the endpoint to wait for the body
		if _, err := s.RotateSecret(t.Context(), c.ID, 0); err != nil {
			t.Fatal(err)
		}
	})
	a.wantJSONError(401, "invalid_client")
}

// rotate replaces the secret of a client at once.
func rotate(s *server, c *client) {
	s.t.Helper()
	if _, err := s.RotateSecret(s.t.Context(), c.ID, 0); err != nil {
		s.t.Fatal(err)
	}
}

func TestToken_FR_03_WhileTheBodyStalls(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare   func(s *server, c *client) []string // returns the parameters
		meanwhile func(s *server, c *client, pairs []string)
		stalls    time.Duration
		code      string
		want      int
	}{
		"the secret is rotated": {
			prepare:   func(s *server, c *client) []string { return c.codeForm(s.code(c)) },
			meanwhile: func(s *server, c *client, _ []string) { rotate(s, c) },
			stalls:    time.Second, want: 401, code: "invalid_client",
		},
		"the code expires": {
			prepare: func(s *server, c *client) []string { return c.codeForm(s.code(c)) },
			stalls:  20 * time.Second, want: 400, code: "invalid_grant",
		},
		"the refresh token is spent": {
			prepare: func(s *server, c *client) []string {
				return []string{"grant_type", "refresh_token", "refresh_token", s.grantTokens(c).Refresh}
			},
			meanwhile: func(s *server, c *client, pairs []string) { s.exchange(c, pairs...).tokens() },
			stalls:    20 * time.Second, want: 400, code: "invalid_grant",
		},
		"the user's tokens are revoked": {
			prepare: func(s *server, c *client) []string { return c.codeForm(s.code(c)) },
			meanwhile: func(s *server, _ *client, _ []string) {
				if err := s.RevokeUser(s.t.Context(), passport.UserRef{Provider: "users", ID: "alice"}); err != nil {
					s.t.Fatal(err)
				}
			},
			stalls: time.Second, want: 400, code: "invalid_grant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, func(c *passport.Config) { c.CodeTTL = 15 * time.Second })
				c := s.web()
				pairs := tt.prepare(s, c)
				dial := servePipes(t, s)
				a := dial.stalled(t, c.tokenRequest(pairs...), func() {
					time.Sleep(time.Second)
					if tt.meanwhile != nil {
						tt.meanwhile(s, c, pairs)
					}
					time.Sleep(tt.stalls)
				})
				a.wantJSONError(tt.want, tt.code)
			})
		})
	}
}

// A replay whose body stalled ends the family, as any other.
func TestToken_FR_03_AReplayThatStallsEndsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c := s.web()
		old := s.grantTokens(c).Refresh
		var next *tokens
		r := c.tokenRequest("grant_type", "refresh_token", "refresh_token", old)
		servePipes(t, s).stalled(t, r, func() {
			time.Sleep(time.Second)
			next = s.refresh(c, old).tokens()
			time.Sleep(12 * time.Second) // more than the grace
		}).wantJSONError(400, "invalid_grant")
		s.wantAdmits(next.Access, false, "the tokens of a family in which one was replayed")
	})
}

// The ticket of a consent page is one of now, also at the end of its life.
func TestAuthorize_FR_03_TicketExpiresWhileTheBodyStalls(t *testing.T) {
	for _, media := range []string{"form", "JSON"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			c, b := s.web(), s.browser().signIn("alice")
			page := b.authorize(c)
			var r *http.Request
			if media == "JSON" {
				r = b.request("POST", "/oauth/authorize", map[string]any{"ticket": page.ticket(), "decision": "allow"})
			} else {
				form := url.Values{"ticket": {page.ticket()}, "decision": {"allow"}}
				r = b.newRequest("POST", "/oauth/authorize", form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}})
			}
			time.Sleep(10*time.Minute - 5*time.Second)
			a := servePipes(t, s).stalled(t, b.withCookies(r), func() { time.Sleep(10 * time.Second) })
			if a.status != http.StatusBadRequest {
				t.Errorf("%s: the answer to a page that expired while the body stalled = %d %s, want 400", media, a.status, a.body)
			}
		})
	}
}

// A body that nobody reads counts too: the application may ask for it when it is
// asked who the user is.
func TestAuthorize_FR_03_ABodyThatIsNoForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked time.Time
		s := newServer(t)
		s = s.restart(func(c *passport.Config) {
			c.Users = passport.UserFuncs{ByID: s.users.UserByID, SignInPage: "/sign-in", Current: func(r *http.Request) (*passport.User, error) {
				asked = time.Now()
				_ = r.FormValue("x")
				return s.users.CurrentUser(r)
			}}
		})
		c, b := s.web(), s.browser().signIn("alice")
		r := b.newRequest("POST", "/oauth/authorize?"+c.request().Encode(), "some text", http.Header{"Content-Type": {"text/plain"}})
		var sent time.Time
		servePipes(t, s).stalled(t, b.withCookies(r), func() { time.Sleep(20 * time.Second); sent = time.Now() })
		if asked.IsZero() || asked.Before(sent) {
			t.Errorf("the user was asked for at %v, before the request was there in full at %v", asked, sent)
		}
	})
}

// What is made in the JSON API belongs to the time after a revocation that came
// while the body stalled.
func TestJSONAPI_FR_03_RevokedWhileTheBodyStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		b := s.browser().signIn("alice")
		r := b.request("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI", "scopes": []string{"read"}})
		a := servePipes(t, s).stalled(t, b.withCookies(r), func() {
			time.Sleep(20 * time.Second)
			if err := s.RevokeUser(t.Context(), passport.UserRef{Provider: "users", ID: "alice"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		})
		a.wantStatus(200)
		s.wantAdmits(a.json()["accessToken"].(string), true, "a personal access token that was made after RevokeUser")
	})
}

// A personal access token ends after now, not after the time at which the head of
// the request came.
func TestJSONAPI_FR_03_ExpiresWhileTheBodyStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		b := s.browser().signIn("alice")
		ends := time.Now().Add(10 * time.Second).UTC().Format(time.RFC3339)
		r := b.request("POST", "/oauth/personal-access-tokens", map[string]any{"name": "CI", "expires_at": ends})
		servePipes(t, s).stalled(t, b.withCookies(r), func() { time.Sleep(20 * time.Second) }).wantStatus(422)
	})
}
