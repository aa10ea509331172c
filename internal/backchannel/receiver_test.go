package backchannel_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// receiver is the server of a client, which gets logout tokens over HTTP.
type receiver struct {
	*httptest.Server
	status atomic.Int64
	mu     sync.Mutex
	forms  []url.Values
	reqs   []*http.Request
	hang   chan struct{} // if not nil, no response until it is closed
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.status.Store(http.StatusOK)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		form, _ := url.ParseQuery(string(body))
		r.mu.Lock()
		r.forms, r.reqs = append(r.forms, form), append(r.reqs, req)
		hang := r.hang
		r.mu.Unlock()
		if hang != nil {
			select {
			case <-hang:
			case <-req.Context().Done():
			}
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(r.status.Load()))
		_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
	}))
	t.Cleanup(r.Close)
	return r
}

// host returns the host and port for BackchannelAllowedHosts.
func (r *receiver) host() string { return strings.TrimPrefix(r.URL, "http://") }

// got returns the logout tokens so far.
func (r *receiver) got() (tokens []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, form := range r.forms {
		tokens = append(tokens, form.Get("logout_token"))
	}
	return tokens
}

// wait waits for the nth logout token.
func (r *receiver) wait(t *testing.T, n int) string {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		if tokens := r.got(); len(tokens) >= n {
			return tokens[n-1]
		}
	}
	t.Fatalf("the client got %d logout tokens in 10 seconds, want %d", len(r.got()), n)
	return ""
}

// tells returns a server, and a client whose receiver gets logout tokens.
func tells(t *testing.T, change ...func(*passport.Config)) (*testkit.Server, *testkit.Client, *receiver) {
	t.Helper()
	r := newReceiver(t)
	openID := testkit.WithOpenID(t, passport.OpenID{BackchannelAllowedHosts: []string{r.host()}})
	s := testkit.NewServer(t, append(change, openID)...)
	return s, told(s, r, false), r
}

func told(s *testkit.Server, r *receiver, needsSID bool) *testkit.Client {
	s.T.Helper()
	c := s.Web()
	s.Change(c, func(stored *oauth.Client) {
		stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: r.URL + "/logout?tenant=a", BackchannelSessionRequired: needsSID}
	})
	return c
}

// background runs the server's background work until the test ends, or stop is called.
func background(s *testkit.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.T.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.T.Cleanup(stop)
	return stop
}

// idToken signs in to a client, and returns the claims of the ID token.
func idToken(s *testkit.Server, c *testkit.Client, b *testkit.Browser) map[string]any {
	s.T.Helper()
	a := b.Authorize(c, "scope", "openid read")
	if a.IsConsent() {
		a = a.Allow()
	}
	_, claims := s.IDToken(s.Redeem(c, a.Code()).ID, "RS256")
	return claims
}

// wantLogout verifies a logout token as a client does (OpenID Connect Back-Channel Logout
// §2.6), and compares it with an ID token. all says that all sessions have ended.
func wantLogout(s *testkit.Server, token string, id map[string]any, all bool) {
	s.T.Helper()
	header, claims := s.IDToken(token, "RS256")
	if header.ExtraHeaders["typ"] != "logout+jwt" {
		s.T.Errorf("typ is %v, want logout+jwt", header.ExtraHeaders["typ"])
	}
	events, _ := claims["events"].(map[string]any)
	value, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if len(events) != 1 || !isObject || len(value) != 0 {
		s.T.Errorf("events is %v, want the one member with an empty object", claims["events"])
	}
	_, hasNonce := claims["nonce"]
	iat, _ := claims["iat"].(float64)
	exp, _ := claims["exp"].(float64)
	now := float64(time.Now().Unix())
	if claims["iss"] != testkit.Issuer || claims["aud"] != id["aud"] || hasNonce || claims["jti"] == nil || iat > now || iat < now-60 || exp <= now || exp > now+120 {
		s.T.Errorf("claims %v do not fit the ID token %v", claims, id)
	}
	wantSID := id["sid"]
	if all {
		wantSID = nil
	}
	if claims["sub"] != id["sub"] || claims["sid"] != wantSID || id["sid"] == nil {
		s.T.Errorf("sub %v and sid %v, want %v and %v, as in the ID token", claims["sub"], claims["sid"], id["sub"], wantSID)
	}
}

// wantOne fails the test if the client got another logout token.
func wantOne(s *testkit.Server, r *receiver, n int) {
	s.T.Helper()
	time.Sleep(50 * time.Millisecond)
	if tokens := r.got(); len(tokens) != n {
		s.T.Errorf("the client got %d logout tokens, want %d", len(tokens), n)
	}
}

// status waits until the results of a client are as wanted.
func status(s *testkit.Server, c *testkit.Client, ok func(*oauth.LogoutStatus) bool) *oauth.LogoutStatus {
	s.T.Helper()
	var last *oauth.LogoutStatus
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		var err error
		last, err = s.LogoutStatus(s.T.Context(), c.ID)
		s.Works(err)
		if ok(last) {
			return last
		}
	}
	s.T.Fatalf("LogoutStatus() stays %+v", last)
	return nil
}

// The module of the OpenID Foundation's suite: at a logout, one POST with the logout
// token and nothing else.
func TestBackchannel_XK02_BL_04_BL_05_BL_06_Logout(t *testing.T) {
	s, c, r := tells(t)
	other := told(s, r, true)
	background(s)
	b, elsewhere := s.Browser().SignIn("alice"), s.Browser().SignIn("alice")
	id := idToken(s, c, b)
	if again := idToken(s, c, b); again["sid"] != id["sid"] {
		t.Errorf("BL-02: the sid of two sign-ins in a session is %v and %v, want the same", id["sid"], again["sid"])
	}
	idOfOther, kept := idToken(s, other, b), idToken(s, c, elsewhere)
	if id["sid"] == idOfOther["sid"] || id["sid"] == kept["sid"] {
		t.Error("BL-02: two clients, or two sessions, have the same sid")
	}

	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
	tokens := []string{r.wait(t, 1), r.wait(t, 2)}
	wantOne(s, r, 2)
	if claims := testkit.ClaimsOf(t, tokens[0]); claims["aud"] == other.ID {
		slices.Reverse(tokens)
	}
	wantLogout(s, tokens[0], id, false)
	wantLogout(s, tokens[1], idOfOther, false)
	req, form := r.reqs[0], r.forms[0]
	if req.Method != "POST" || req.URL.Path != "/logout" || req.URL.RawQuery != "tenant=a" || len(form) != 1 || len(form["logout_token"]) != 1 ||
		req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(req.Cookies()) > 0 {
		t.Errorf("request %s %s with %v and %v, want a form with logout_token alone", req.Method, req.URL, form, req.Header)
	}
	got := status(s, c, func(l *oauth.LogoutStatus) bool { return !l.SucceededAt.IsZero() })
	if got.LastResult != "200 OK" || got.Failures != 0 {
		t.Errorf("LogoutStatus() = %+v, want 200 OK", got)
	}
	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), elsewhere.Session()))
	wantLogout(s, r.wait(t, 3), kept, false)
	if len(r.reqs[2].Cookies()) > 0 {
		t.Error("BL-04: the cookie of an earlier response was sent")
	}
}

// Each way to end sessions tells the clients. A user who signs out everywhere ends all
// sessions with one logout token without sid, unless the client needs a sid.
func TestBackchannel_BL_06_BL_07_EveryWay(t *testing.T) {
	user := testkit.Ref("alice")
	for name, test := range map[string]struct {
		end      func(s *testkit.Server, c *testkit.Client, b, elsewhere *testkit.Browser) error
		sessions int  // that end
		all      bool // by one logout token, if the client needs no sid
	}{
		"EndSession": {func(s *testkit.Server, _ *testkit.Client, b, _ *testkit.Browser) error {
			return s.EndSession(s.T.Context(), user, b.Session())
		}, 1, false},
		"RevokeUser": {func(s *testkit.Server, _ *testkit.Client, _, _ *testkit.Browser) error {
			return s.RevokeUser(s.T.Context(), user)
		}, 2, true},
		"RevokeUserAtClient": {func(s *testkit.Server, c *testkit.Client, _, _ *testkit.Browser) error {
			return s.RevokeUserAtClient(s.T.Context(), user, c.ID)
		}, 2, true},
		"PasswordChanged in a session": {func(s *testkit.Server, _ *testkit.Client, _, elsewhere *testkit.Browser) error {
			return s.PasswordChanged(s.T.Context(), user, elsewhere.Session())
		}, 1, false},
		"PasswordChanged by a link": {func(s *testkit.Server, _ *testkit.Client, _, _ *testkit.Browser) error {
			return s.PasswordChanged(s.T.Context(), user, "")
		}, 2, true},
		"Withdraw": {func(s *testkit.Server, c *testkit.Client, _, _ *testkit.Browser) error {
			return s.Withdraw(s.T.Context(), user, c.ID)
		}, 2, true},
	} {
		for _, needsSID := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s, c, r := tells(t)
				if needsSID {
					c = told(s, r, true)
				}
				background(s)
				b, elsewhere := s.Browser().SignIn("alice"), s.Browser().SignIn("alice")
				ids := []map[string]any{idToken(s, c, b), idToken(s, c, elsewhere)}
				idToken(s, c, s.Browser().SignIn("bob"))
				s.Works(test.end(s, c, b, elsewhere))
				s.Works(test.end(s, c, b, elsewhere))
				want := test.sessions
				if test.all && !needsSID {
					want = 1
				}
				for n := range want {
					token := r.wait(t, n+1)
					id := ids[0]
					if testkit.ClaimsOf(t, token)["sid"] == ids[1]["sid"] && test.sessions > 1 {
						id = ids[1]
					}
					wantLogout(s, token, id, test.all && !needsSID)
				}
				wantOne(s, r, want)
			})
		}
	}
}

// A device has no browser session: the end of the one in which the user approved it does
// not sign the device out.
func TestBackchannel_BL_07_Devices(t *testing.T) {
	s, c, r := tells(t, testkit.WithDevices)
	background(s)
	tv := s.DeviceClient("TV")
	s.Change(tv, func(stored *oauth.Client) { stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: r.URL} })
	b := s.Browser().SignIn("alice")
	id := idToken(s, c, b)
	codes := s.Do(s.FormRequest(tv, "/oauth/device/code", "scope", "openid read")).JSON()
	b.Post("/oauth/device", url.Values{"user_code": {codes["user_code"].(string)}}).Allow()
	got := s.Do(s.FormRequest(tv, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", codes["device_code"].(string))).JSON()
	if claims := testkit.ClaimsOf(t, got["id_token"].(string)); claims["sid"] != nil {
		t.Errorf("the ID token of a device has the sid %v, want none", claims["sid"])
	}
	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
	wantLogout(s, r.wait(t, 1), id, false)
	wantOne(s, r, 1)
}

// The session ends in a process that sends nothing. Another process sends.
func TestBackchannel_BL_08_AfterARestart(t *testing.T) {
	s, c, r := tells(t)
	b := s.Browser().SignIn("alice")
	id := idToken(s, c, b)
	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
	wantOne(s, r, 0)
	background(s.Restart())
	wantLogout(s, r.wait(t, 1), id, false)
	background(s.Restart())
	wantOne(s, r, 1)
}

// A receiver that is down, fails or refuses never keeps the user signed in here, and never
// delays them. The operator sees what it responded.
func TestBackchannel_BL_08_BL_10_BL_12_Failures(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(r *receiver)
		want    string
		outcome passport.LogoutOutcome
	}{
		"down":     {func(r *receiver) { r.Close() }, "connect", "retried"},
		"500":      {func(r *receiver) { r.status.Store(500) }, "500 Internal Server Error", "retried"},
		"429":      {func(r *receiver) { r.status.Store(429) }, "429 Too Many Requests", "retried"},
		"400":      {func(r *receiver) { r.status.Store(400) }, "400 Bad Request", "refused"},
		"redirect": {func(r *receiver) { r.status.Store(307) }, "307 Temporary Redirect", "refused"},
		"slow":     {func(r *receiver) { r.hang = make(chan struct{}) }, "", "retried"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, r := tells(t)
			stop := background(s)
			b := s.Browser().SignIn("alice")
			idToken(s, c, b)
			test.prepare(r)
			begun := time.Now()
			s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("EndSession() took %v, want it not to wait for the client", took)
			}
			got := status(s, c, func(l *oauth.LogoutStatus) bool { return l.Failures == 1 })
			if took := time.Since(begun); name == "slow" && (took < 4*time.Second || took > 8*time.Second) {
				t.Errorf("a slow client got %v, want 5 seconds", took)
			}
			if !strings.Contains(got.LastResult, test.want) || !got.SucceededAt.IsZero() {
				t.Errorf("LogoutStatus() = %+v, want %q", got, test.want)
			}
			stop()
			events := testkit.EventsOf[passport.LogoutSent](s)
			if len(events) != 1 || events[0].Outcome != test.outcome || events[0].Result != got.LastResult || events[0].Tries != 1 {
				t.Errorf("events %+v, want one: %s", events, test.outcome)
			}
			for _, token := range r.got() {
				if strings.Contains(s.Log.String(), token) {
					t.Error("the log has a logout token")
				}
			}
		})
	}
}

// A provider without IDs of sessions has no sid. Its clients are told when all sessions of
// a user end.
func TestBackchannel_BL_06_WithoutSessionID(t *testing.T) {
	s, c, r := tells(t)
	background(s)
	s.Users.With(func() {
		s.Users.Current = func(u *passport.User) (*passport.User, error) {
			u.SessionID = ""
			return u, nil
		}
	})
	id := idToken(s, c, s.Browser().SignIn("alice"))
	if id["sid"] != nil {
		t.Errorf("the ID token has the sid %v, want none", id["sid"])
	}
	s.Works(s.RevokeUser(t.Context(), testkit.Ref("alice")))
	claims := testkit.ClaimsOf(t, r.wait(t, 1))
	if _, has := claims["sid"]; has || claims["sub"] != id["sub"] {
		t.Errorf("logout token %v, want the sub alone", claims)
	}
}

// Only hosts that the operator allows may be in a private network.
func TestBackchannel_BL_09_PrivateAddresses(t *testing.T) {
	r := newReceiver(t)
	s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	c := told(s, r, false)
	background(s)
	b := s.Browser().SignIn("alice")
	idToken(s, c, b)
	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
	got := status(s, c, func(l *oauth.LogoutStatus) bool { return l.Failures == 1 })
	wantOne(s, r, 0)
	if e := testkit.EventsOf[passport.LogoutSent](s); len(e) != 1 || e[0].Outcome != "refused" || !strings.Contains(got.LastResult, "forbidden") {
		t.Errorf("%+v, want a refusal before anything was sent: %q", e, got.LastResult)
	}
}

// The allowed hosts are for the operator's clients: a user must not make the server call
// services of the private network, also if the client is older than the setting.
func TestBackchannel_BL_09_AllowedHostsAreNotForOwnedClients(t *testing.T) {
	s, c, r := tells(t)
	s.Change(c, func(stored *oauth.Client) { stored.Owner = testkit.Ref("mallory") })
	background(s)
	b := s.Browser().SignIn("alice")
	idToken(s, c, b)
	s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), b.Session()))
	got := status(s, c, func(l *oauth.LogoutStatus) bool { return !l.LastAt.IsZero() })
	wantOne(s, r, 0)
	if got.Failures != 1 || !strings.Contains(got.LastResult, "forbidden") {
		t.Errorf("LogoutStatus() = %+v, want a refusal before anything was sent", got)
	}
}
