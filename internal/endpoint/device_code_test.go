package endpoint_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

func confidential(r *passport.Registration) { r.AuthMethod = oauth.AuthBasic }

// ask requests a device code.
func ask(s *testkit.Server, c *testkit.Client, pairs ...string) *testkit.Response {
	return s.Do(s.FormRequest(c, "/oauth/device/code", pairs...))
}

// codes are the codes of a response.
type codes struct{ device, user string }

// codesFor requests device codes that must be issued.
func codesFor(s *testkit.Server, c *testkit.Client, pairs ...string) codes {
	s.T.Helper()
	got := ask(s, c, append([]string{"scope", "read"}, pairs...)...).WantStatus(http.StatusOK).JSON()
	device, _ := got["device_code"].(string)
	user, _ := got["user_code"].(string)
	return codes{device, user}
}

func polled(s *testkit.Server, c *testkit.Client, code string, pairs ...string) *testkit.Response {
	return s.Do(s.FormRequest(c, "/oauth/token", append([]string{"grant_type", testkit.DeviceGrant, "device_code", code}, pairs...)...))
}

// decidePage returns the page on which a user decides about a code.
func decidePage(b *testkit.Browser, c codes) *testkit.Response {
	b.T.Helper()
	return b.Post("/oauth/device", url.Values{"user_code": {c.user}}).WantStatus(http.StatusOK)
}

var (
	userCodeForm   = regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`)
	deviceCodeForm = regexp.MustCompile(`^[A-Z2-7]{52}$`)
)

func TestDevice_DV_01_DV_03_DV_08_Response(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	seen := map[any]bool{}
	for _, c := range []*testkit.Client{s.DeviceClient("Player"), s.DeviceClient("Player", confidential)} {
		for range 20 {
			r := ask(s, c)
			got := r.WantStatus(http.StatusOK).JSON()
			device, _ := got["device_code"].(string)
			user, _ := got["user_code"].(string)
			if !deviceCodeForm.MatchString(device) || !userCodeForm.MatchString(user) || seen[device] || seen[user] {
				t.Fatalf("codes %q and %q, want new random ones", device, user)
			}
			seen[device], seen[user] = true, true
			for name, want := range map[string]any{
				"verification_uri": testkit.Issuer + "/oauth/device", "verification_uri_complete": testkit.Issuer + "/oauth/device?user_code=" + user,
				"expires_in": 600.0, "interval": 5.0,
			} {
				if got[name] != want {
					t.Errorf("%s = %v, want %v", name, got[name], want)
				}
			}
			if got := r.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", got)
			}
		}
	}
	meta := s.Get("/.well-known/oauth-authorization-server").JSON()
	if meta["device_authorization_endpoint"] != testkit.Issuer+"/oauth/device/code" {
		t.Errorf("device_authorization_endpoint = %v", meta["device_authorization_endpoint"])
	}
	if grants, _ := meta["grant_types_supported"].([]any); !slices.Contains(grants, any(testkit.DeviceGrant)) {
		t.Errorf("grant_types_supported = %v, want %s", grants, testkit.DeviceGrant)
	}
	off := testkit.NewServer(t)
	if meta := off.Get("/.well-known/oauth-authorization-server").Body; strings.Contains(meta, "device") {
		t.Errorf("the metadata of a server without the feature mentions devices: %s", meta)
	}
	off.Send("grant_type="+url.QueryEscape(testkit.DeviceGrant)+"&device_code=x", "Authorization", testkit.Basic(off.Web().ID, "x")).WantJSONError(http.StatusUnauthorized, "invalid_client")
}

func TestDevice_DV_01_DV_07_RefusedRequests(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	public, secret := s.DeviceClient("Player"), s.DeviceClient("Player", confidential)
	wrong := *secret
	wrong.Secret = "wrong"
	for name, test := range map[string]struct {
		client *testkit.Client
		pairs  []string
		status int
		code   string
	}{
		"another grant":      {s.Spa(), nil, 400, "unauthorized_client"},
		"a wrong secret":     {&wrong, nil, 401, "invalid_client"},
		"no secret":          {&testkit.Client{Client: secret.Client}, nil, 401, "invalid_client"},
		"an unknown scope":   {public, []string{"scope", "nothing"}, 400, "invalid_scope"},
		"all scopes":         {public, []string{"scope", "*"}, 400, "invalid_scope"},
		"an unknown API":     {public, []string{"resource", "https://other.example.com"}, 400, "invalid_target"},
		"a long name":        {public, []string{"device_name", strings.Repeat("ü", 101)}, 400, "invalid_request"},
		"an unprintable one": {public, []string{"device_name", "a\u202eb"}, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			ask(s.In(t), test.client, test.pairs...).WantJSONError(test.status, test.code)
		})
	}
	codesFor(s, public, "device_name", strings.Repeat("ü", 100))
	if r := s.Do(testkit.NewGet(testkit.Issuer + "/oauth/device/code")); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET = %d, want 405", r.Status)
	}
}

// The responses to a device that polls, and how they follow each other (RFC 8628 §3.5).
func TestDevice_DV_02_Polling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithDevices)
		c, other := s.DeviceClient("Player"), s.DeviceClient("Player")
		code := codesFor(s, c)
		wait := func(d time.Duration) { time.Sleep(d) }

		polled(s, c, "").WantJSONError(400, "invalid_request")
		polled(s, c, "unknown").WantJSONError(400, "invalid_grant")
		polled(s, c, code.user).WantJSONError(400, "invalid_grant")
		polled(s, c, code.device).WantJSONError(400, "authorization_pending")
		polled(s, other, code.device).WantJSONError(400, "invalid_grant") // changes nothing
		wait(5 * time.Second)
		polled(s, c, code.device).WantJSONError(400, "authorization_pending")
		polled(s, c, code.device).WantJSONError(400, "slow_down") // the interval is 10 seconds now
		wait(8 * time.Second)
		polled(s, c, code.device).WantJSONError(400, "slow_down") // 15 seconds
		wait(15 * time.Second)
		polled(s, c, code.device).WantJSONError(400, "authorization_pending")
		wait(10 * time.Minute)
		polled(s, c, code.device).WantJSONError(400, "expired_token")

		denied := codesFor(s, c)
		decidePage(s.Browser().SignIn("alice"), denied).Deny()
		polled(s, other, denied.device).WantJSONError(400, "invalid_grant")
		for range 2 {
			polled(s, c, denied.device).WantJSONError(400, "access_denied")
		}
		late := codesFor(s, c)
		decidePage(s.Browser().SignIn("alice"), late).Allow()
		polled(s, other, late.device).WantJSONError(400, "invalid_grant")
		wait(11 * time.Minute)
		polled(s, c, late.device).WantJSONError(400, "expired_token")

		last := codesFor(s, c) // approved in its last seconds: its next poll comes after them
		wait(10*time.Minute - 3*time.Second)
		decidePage(s.Browser().SignIn("alice"), last).Allow()
		wait(5 * time.Second)
		if a := polled(s, c, last.device); a.Status != 200 {
			t.Errorf("the poll after an approval in the last seconds = %s, want tokens", a)
		}
	})
}

// Many polls at the same time get one response with tokens. A later poll is a replay: it
// ends them.
func TestDevice_DV_06_RedeemedOnce(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	c := s.DeviceClient("Player", func(r *passport.Registration) {
		r.GrantTypes, r.RedirectURIs = append(r.GrantTypes, "authorization_code"), []string{"https://app.example.com/cb"}
	})
	code := codesFor(s, c)
	polled(s, c, code.device).WantJSONError(400, "authorization_pending")
	decidePage(s.Browser().SignIn("alice"), code).Allow()
	tokens := polled(s, c, code.device).Tokens() // in time, although the last poll was just now
	if tokens.Scope != "read" || tokens.Refresh == "" || !s.Admits(tokens.Access) {
		t.Fatalf("tokens = %+v, want working ones", tokens)
	}
	if approved := testkit.EventsOf[passport.DeviceApproved](s); len(approved) != 1 || approved[0].User != testkit.Ref("alice") || approved[0].Device.ClientID != c.ID {
		t.Errorf("DeviceApproved events = %+v, want one", approved)
	}
	s.Exchange(c, "grant_type", "authorization_code", "code", code.device).WantJSONError(400, "invalid_grant") // a device code is not a code (F14)
	polled(s, c, code.device).WantJSONError(400, "invalid_grant")
	if s.Admits(tokens.Access) {
		t.Error("after a replay of the device code, its tokens still work")
	}
	if replays := testkit.EventsOf[passport.Replayed](s); len(replays) != 1 || replays[0].What != oauth.SpendDeviceCode {
		t.Errorf("Replayed events = %+v, want one of a device code", replays)
	}

	race := codesFor(s, c)
	decidePage(s.Browser().SignIn("alice"), race).Allow()
	won := 0
	for _, r := range testkit.Parallel(64, func() *testkit.Response { return polled(s, c, race.device) }) {
		if r.Status == http.StatusOK {
			won++
		} else {
			r.WantJSONError(400, "invalid_grant")
		}
	}
	if won != 1 {
		t.Errorf("%d of 64 concurrent polls got tokens, want 1", won)
	}
}

// An approval does not survive what ends an authorization code.
func TestDevice_F16_DV_06_EndsBeforeRedemption(t *testing.T) {
	for name, end := range map[string]func(*testkit.Server, *testkit.Client, *testkit.Browser) error{
		"the account is deleted": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			s.Users.Remove("alice")
			return nil
		},
		"the client is revoked": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeClient(s.T.Context(), c.ID)
		},
		"the client is suspended": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.SuspendClient(s.T.Context(), c.ID)
		},
		"the user's tokens end": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeUser(s.T.Context(), testkit.Ref("alice"))
		},
		"the client's tokens end": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.RevokeTokensOfClient(s.T.Context(), c.ID)
		},
		"the consent is withdrawn": func(s *testkit.Server, c *testkit.Client, _ *testkit.Browser) error {
			return s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID)
		},
		"the password is changed": func(s *testkit.Server, _ *testkit.Client, _ *testkit.Browser) error {
			return s.PasswordChanged(s.T.Context(), testkit.Ref("alice"), "")
		},
		"the feature is turned off": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithDevices)
			c := s.DeviceClient("Player")
			b := s.Browser().SignIn("alice")
			code := codesFor(s, c)
			decidePage(b, code).Allow()
			if end == nil {
				s.Restart(func(c *passport.Config) { c.Features = nil }).Do(s.FormRequest(c, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", code.device)).
					WantJSONError(400, "unsupported_grant_type")
				return
			}
			s.Works(end(s, c, b))
			if r := polled(s, c, code.device); r.Status == http.StatusOK {
				t.Errorf("the device still gets tokens: %s", r)
			}
		})
	}
}

// A public client gets some codes at one address and then has to wait. A confidential
// client does not, until too many of its codes wait for a user.
func TestDevice_DV_04_CreationIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Features = []passport.Feature{passport.Device{MaxPending: 70}} })
		c, other := s.DeviceClient("Player"), s.DeviceClient("Player", confidential)
		for range 60 {
			codesFor(s, c)
		}
		if r := ask(s, c).WantJSONError(http.StatusTooManyRequests, "slow_down"); r.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		for range 70 {
			codesFor(s, other)
		}
		ask(s, other).WantJSONError(http.StatusServiceUnavailable, "temporarily_unavailable")
		s.WantBlameless()
		s.WantLog(`"level":"WARN","msg":"request refused"`, "raise Device.MaxPending")
		time.Sleep(11 * time.Minute)
		codesFor(s, c)
		codesFor(s, other)
	})
}

// Device codes outlive a rotation of the keys, also user codes.
func TestDevice_DV_03_UserCodesOutliveKeys(t *testing.T) {
	old, young := []byte(strings.Repeat("old-", 8)), []byte(strings.Repeat("new-", 8))
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) { c.Secrets = [][]byte{old} })
	c := s.DeviceClient("Player")
	code := codesFor(s, c)
	s = s.Restart(func(c *passport.Config) { c.Secrets = [][]byte{young, old} })
	decidePage(s.Browser().SignIn("alice"), code).Allow()
	polled(s, c, code.device).Tokens()
}

func TestDevice_DV_01_Scripts(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	c := s.DeviceClient("Player", func(r *passport.Registration) { r.AllowedOrigins = []string{"https://player.example.com"} })
	r := s.FormRequest(c, "/oauth/device/code")
	r.Header.Set("Origin", "https://player.example.com")
	if got := s.Do(r).WantStatus(http.StatusOK).Header.Get("Access-Control-Allow-Origin"); got != "https://player.example.com" {
		t.Errorf("Access-Control-Allow-Origin = %q, want the client's origin", got)
	}
	preflight := testkit.NewGet(testkit.Issuer + "/oauth/device/code")
	preflight.Method = http.MethodOptions
	preflight.Header.Set("Origin", "https://player.example.com")
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	if got := s.Do(preflight); got.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("the preflight is refused: %s", got)
	}
}

// The tokens of a device are for the resource that it requested.
func TestDevice_DV_01_Resource(t *testing.T) {
	const api, second = "https://api.example.com", "https://reports.example.com"
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) { c.Resources = []string{api, second} })
	c := s.DeviceClient("Player")
	code := codesFor(s, c, "resource", api)
	decidePage(s.Browser().SignIn("alice"), code).Allow()
	polled(s, c, code.device, "resource", second).WantJSONError(400, "invalid_target") // uses nothing up
	claims := testkit.ClaimsOf(t, polled(s, c, code.device).Tokens().Access)
	if got := claims["aud"]; got != api {
		t.Errorf("aud = %v, want %s", got, api)
	}
}
