package authorize_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// device is a device that waits for its user.
type device struct {
	*testkit.Server
	client         *testkit.Client
	code, userCode string
	complete       string // verification_uri_complete
}

// begin has a device ask for a code.
func begin(s *testkit.Server, c *testkit.Client, pairs ...string) *device {
	s.T.Helper()
	r := s.FormRequest(c, "/oauth/device/code", append([]string{"scope", "read"}, pairs...)...)
	r.RemoteAddr = "203.0.113.9:4711"
	r.Header.Set("User-Agent", "TVOS/3.1")
	got := s.Do(r).WantStatus(http.StatusOK).JSON()
	text := func(name string) string { v, _ := got[name].(string); return v }
	return &device{s, c, text("device_code"), text("user_code"), text("verification_uri_complete")}
}

// poll has the device ask for its tokens.
func (d *device) poll() *testkit.Response {
	d.T.Helper()
	return d.Do(d.FormRequest(d.client, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", d.code))
}

// enter types a code into the page.
func enter(b *testkit.Browser, code string) *testkit.Response {
	b.T.Helper()
	return b.Post("/oauth/device", url.Values{"user_code": {code}})
}

// wantAsks checks that a response asks the user about a device.
func wantAsks(a *testkit.Response, says ...string) *testkit.Response {
	a.T.Helper()
	for _, text := range append(says, "Does your device show this code?") {
		if a.Ticket(); !strings.Contains(a.Body, text) {
			a.T.Errorf("the consent page lacks %q: %s", text, a)
		}
	}
	return a
}

// A user types the code, sees which device asks, and allows it. The device gets tokens.
func TestDevice_DV_05_DV_14_DV_15_PA_9_Allow(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV"), "device_name", "TV in the kitchen"), s.Browser().SignIn("alice")
	d.poll().WantJSONError(http.StatusBadRequest, "authorization_pending")

	ask := b.Get("/oauth/device").WantPage(http.StatusOK, "only if you started this on your own device")
	if strings.Contains(ask.Body, d.client.Name) {
		t.Errorf("the page for the code names an app before it knows the code: %s", ask)
	}
	spelled := strings.ToLower(d.userCode[:4] + " " + d.userCode[5:])
	page := wantAsks(enter(b, spelled), d.userCode, d.client.Name, "TV in the kitchen", "203.0.113.9", "TVOS/3.1", "less than a minute ago",
		"alice@example.com", "only if you started it", "back to your device")
	done := page.Allow().WantPage(http.StatusOK, "done", "back to your device")
	if done.Header.Get("Location") != "" || strings.Contains(done.Body, "http-equiv") {
		t.Errorf("a device has no redirect URI, but the page leads elsewhere: %s", done)
	}
	tokens := d.poll().Tokens()
	if tokens.Scope != "read" || tokens.Refresh == "" || !s.Admits(tokens.Access) {
		t.Errorf("after the approval: %+v, want working tokens with the scope read", tokens)
	}
}

// A link with the code leads to the same page: the user still confirms the code that the
// device shows (RFC 8628 §3.3.1). This is true for clients that skip the consent page, too.
func TestDevice_DV_05_DV_14_LinkNeedsConfirmation(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *oauth.User) bool { return true }
	})
	c, b := s.DeviceClient("Living Room TV", func(r *passport.Registration) { r.AuthMethod = oauth.AuthBasic }), s.Browser().SignIn("alice")
	for range 2 { // also for a client that has tokens of the user
		d := begin(s, c)
		page := wantAsks(b.Get(strings.TrimPrefix(d.complete, s.Config.Issuer)), d.userCode)
		d.poll().WantJSONError(http.StatusBadRequest, "authorization_pending")
		page.Allow().WantPage(http.StatusOK, "done")
		d.poll().Tokens()
	}
}

// The user signs in first. The sign-in page names the app, and leads back.
func TestDevice_DV_05_SignIn(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser()
	for name, away := range map[string]*testkit.Response{
		"form": enter(b, d.userCode), "link": b.Get("/oauth/device?user_code=" + d.userCode),
	} {
		why, err := s.SignInRequest(t.Context(), away.ReturnTo())
		if err != nil || why.Client.ID != d.client.ID {
			t.Fatalf("%s: SignInRequest() = %+v, %v, want the client of the device", name, why, err)
		}
		if strings.Contains(away.ReturnTo(), strings.ReplaceAll(d.userCode, "-", "")) {
			t.Errorf("%s: the return address has the code: %s", name, away.ReturnTo())
		}
		wantAsks(away.SignIn("alice"), d.userCode)
		b.SignOut()
	}
	away := enter(b, d.userCode)
	b.Post(away.ReturnTo(), url.Values{"decision": {"deny"}}).WantPage(http.StatusOK, "You did not sign in, so nothing was allowed.")
	d.poll().WantJSONError(http.StatusBadRequest, "authorization_pending")
	if _, err := s.SignInRequest(t.Context(), "/oauth/device?passport_sign_in=forged"); !testkit.IsNotFound(err) {
		t.Errorf("SignInRequest() of a forged address = %v, want not found", err)
	}
}

// Cancel denies the request of the device.
func TestDevice_PA_9_Deny(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
	page := enter(b, d.userCode)
	page.Deny().WantPage(http.StatusOK, "You declined", "no access")
	d.poll().WantJSONError(http.StatusBadRequest, "access_denied")
	page.Deny().WantPage(http.StatusOK, "You declined")
	page.Allow().WantPage(http.StatusConflict, "You already declined this request.")
	d.poll().WantJSONError(http.StatusBadRequest, "access_denied")
}

// A second click gets the page of the first one. The code works once.
func TestDevice_PA_9_SecondClick(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
	page, other := enter(b, d.userCode), enter(b, d.userCode)
	for i, a := range s.AtOnce(b, page.Clicks(8, "allow")) {
		a.WantPage(http.StatusOK, "You’re done")
		if a.Status != http.StatusOK {
			t.Errorf("click %d: %s", i, a)
		}
	}
	other.Allow().WantPage(http.StatusOK, "You’re done")
	page.Deny().WantPage(http.StatusConflict, "You already allowed this request.")
	enter(b, d.userCode).WantPage(http.StatusUnprocessableEntity, "This code isn’t valid")
	d.poll().Tokens()
	page.Allow().WantPage(http.StatusOK, "You’re done")
}

// Every wrong code has the same page, whether it is of another client, used, expired or
// made up.
func TestDevice_DV_04_WrongCodesLookTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithDevices)
		c := s.DeviceClient("Living Room TV")
		used, expired, suspended := begin(s, c), begin(s, c), begin(s, s.DeviceClient("Living Room TV"))
		b := s.Browser().SignIn("alice")
		enter(b, used.userCode).Allow()
		s.Suspend(suspended.client)
		time.Sleep(9 * time.Minute)
		fresh := begin(s, c)
		time.Sleep(2 * time.Minute)
		want := ""
		for name, code := range map[string]string{"used": used.userCode, "expired": expired.userCode, "suspended client": suspended.userCode, "made up": "BBBB-BBBB", "too long": strings.Repeat("B", 99)} {
			got := enter(s.Browser().SignIn("bob"), code).WantPage(http.StatusUnprocessableEntity, "This code isn’t valid")
			body := strings.ReplaceAll(got.Body, `value="`+code+`"`, `value=""`)
			body, _, _ = strings.Cut(strings.ReplaceAll(body, `value="`+strings.Repeat("B", 19)+`…"`, `value=""`), "<footer")
			if want == "" {
				want = body
			}
			if body != want {
				t.Errorf("%s: the page differs from that of another wrong code:\n%s\n%s", name, body, want)
			}
		}
		enter(b, "").WantPage(http.StatusUnprocessableEntity, "Enter the code.")
		wantAsks(enter(b, fresh.userCode), fresh.userCode)
	})
}

// After five wrong codes an account must wait. Right codes reset nothing, because an
// attacker may have a device.
func TestDevice_DV_04_AccountLimit(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
	for range 4 {
		enter(b, "BBBB-BBBB").WantPage(http.StatusUnprocessableEntity)
	}
	wantAsks(enter(b, d.userCode), d.userCode)
	enter(b, "BBBB-BBBB").WantPage(http.StatusUnprocessableEntity)
	for _, code := range []string{"CCCC-CCCC", d.userCode} {
		late := enter(b, code).WantPage(http.StatusTooManyRequests, "too many wrong codes")
		if late.Header.Get("Retry-After") == "" {
			t.Errorf("the 429 has no Retry-After: %s", late)
		}
	}
	wantAsks(enter(s.Browser().SignIn("bob"), d.userCode), d.userCode)
}

// Used codes count as wrong ones. Otherwise the limit would tell which codes exist.
func TestDevice_DV_04_UsedCodesCount(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d := begin(s, s.DeviceClient("Living Room TV"))
	enter(s.Browser().SignIn("alice"), d.userCode).Allow()
	b := s.Browser().SignIn("bob")
	for range 5 {
		enter(b, d.userCode).WantPage(http.StatusUnprocessableEntity)
	}
	enter(b, d.userCode).WantPage(http.StatusTooManyRequests)
}

// Without a signed-in user, an address has five wrong codes. Then the user must sign in
// first, and an attacker with many addresses stops no signed-in user.
func TestDevice_DV_04_DV_05_SignedOutLimit(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser()
	for range 5 {
		enter(b, "BBBB-BBBB").WantPage(http.StatusUnprocessableEntity)
	}
	away := enter(b, d.userCode)
	if got := away.ReturnTo(); got != "/oauth/device?user_code="+d.userCode {
		t.Fatalf("after five wrong codes the return address is %q, want the page with the code", got)
	}
	wantAsks(away.SignIn("alice"), d.userCode)
}

// A decision counts only for the browser and the account that saw the page.
func TestDevice_B12_OtherAccountAndBrowser(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
	page := enter(b, d.userCode)
	thief := s.Browser().SignIn("alice")
	wantAsks(thief.Post("/oauth/device", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}))
	b.SignIn("bob")
	wantAsks(page.Allow(), "bob@example.com")
	foreign := b.NewRequest("POST", "/oauth/device", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}.Encode(),
		http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}})
	b.Send(foreign).WantPage(http.StatusForbidden)
	b.Post(s.AuthorizePath(), url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}).WantPage(http.StatusBadRequest)
	d.poll().WantJSONError(http.StatusBadRequest, "authorization_pending")
}

// A page whose code has expired allows nothing, and leads to a new code.
func TestDevice_DV_08_ExpiredPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithDevices)
		d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
		time.Sleep(5 * time.Minute)
		page := enter(b, d.userCode)
		time.Sleep(6 * time.Minute)
		page.Allow().WantPage(http.StatusBadRequest, "This code isn’t valid", `href="/oauth/device"`)
		d.poll().WantJSONError(http.StatusBadRequest, "expired_token")
	})
}

// A script of the server's own origin gets the data of the pages, as at the
// authorization endpoint.
func TestDevice_PA_9_JSON(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	d, b := begin(s, s.DeviceClient("Living Room TV"), "device_name", "Kitchen"), s.Browser()
	b.AsksJSON("GET", "/oauth/device").WantJSON(http.StatusOK, `{"message":"Send the code of the device as user_code.","action":"/oauth/device"}`)
	b.AsksJSON("GET", "/oauth/device?user_code=BBBB-BBBB").WantStatus(http.StatusUnprocessableEntity)
	if got := b.AsksJSON("GET", "/oauth/device?user_code="+d.userCode).WantStatus(http.StatusUnauthorized).JSON(); got["sign_in_url"] == "" {
		t.Errorf("without a user: %v, want the URL of the sign-in page", got)
	}
	b.SignIn("alice")
	page := b.AsksJSON("GET", "/oauth/device?user_code="+d.userCode).WantStatus(http.StatusOK)
	device, _ := page.JSON()["device"].(map[string]any)
	if device["user_code"] != d.userCode || device["name"] != "Kitchen" || device["address"] != "203.0.113.9" || device["user_agent"] != "TVOS/3.1" || device["requested_at"] == "" {
		t.Errorf("device = %v, want what the page shows", device)
	}
	b.AsksJSON("POST", "/oauth/device", map[string]any{"ticket": page.Ticket(), "decision": "allow"}).
		WantJSON(http.StatusOK, `{"message":"Go back to your device. It continues in a few seconds.","status":"authorization-approved"}`)
	d.poll().Tokens()
}

// Custom pages ask for the code and about devices. The built-in consent page replaces
// one that doesn't show which device asks.
func TestDevice_DV_14_CustomViews(t *testing.T) {
	const form = `<form method="post" action="{{.Action}}"><input type="hidden" name="ticket" value="{{.Ticket}}"><button name="decision" value="deny">No</button><button name="decision" value="allow">Yes</button></form>{{end}}`
	const shows = `{{define "main"}}{{with .Requester}}Mine: {{.UserCode}} {{.Ago}}{{end}}` + form
	for name, tt := range map[string]struct{ consent, want string }{
		"shows the device": {shows, "Mine: "}, "written before": {`{{define "main"}}` + form, "Does your device show this code?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, testkit.WithDevices, withViews(map[string]string{
				"consent.html": tt.consent,
				"device.html":  `{{define "main"}}<form method="post" action="{{.Action}}">Your code: <input name="user_code" value="{{.UserCode}}"> {{.Fault}}</form>{{end}}`,
			}))
			d, b := begin(s, s.DeviceClient("Living Room TV")), s.Browser().SignIn("alice")
			b.Get("/oauth/device").WantPage(http.StatusOK, "Your code:")
			page := enter(b, d.userCode)
			if !strings.Contains(page.Body, tt.want) || !strings.Contains(page.Body, d.userCode) {
				t.Errorf("the consent page lacks %q or the code %s: %s", tt.want, d.userCode, page)
			}
			page.Allow().WantPage(http.StatusOK, "done")
		})
	}
}

// Without the feature there is no page.
func TestDevice_OffByDefault(t *testing.T) {
	testkit.NewServer(t).Get("/oauth/device").WantStatus(http.StatusNotFound)
	s := testkit.NewServer(t, testkit.WithDevices)
	b := s.Browser()
	b.Send(b.NewRequest("DELETE", "/oauth/device", "", nil)).WantPage(http.StatusMethodNotAllowed)
	b.Send(b.NewRequest("PUT", "/oauth/device", "", nil)).WantPage(http.StatusMethodNotAllowed)
}

// The list of connected apps has the devices of an app, with what they call themselves.
func TestDevice_PA_9_ConnectedApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithDevices)
		c, b := s.DeviceClient("Living Room TV"), s.Browser().SignIn("alice")
		for _, label := range []string{"Kitchen", "Office", ""} {
			d := begin(s, c, "device_name", label)
			enter(b, d.userCode).Allow()
			if label != "Office" { // has not asked for its tokens, and can do so
				d.poll().Tokens()
			}
			time.Sleep(time.Minute)
		}
		apps, err := s.ConnectedApps(t.Context(), testkit.Ref("alice"))
		if err != nil || len(apps) != 1 || len(apps[0].Devices) != 3 {
			t.Fatalf("ConnectedApps() = %+v, %v, want one app with three devices", apps, err)
		}
		newest, first := apps[0].Devices[0], apps[0].Devices[2]
		if newest.Label != "" || newest.UserAgent != "TVOS/3.1" || first.Label != "Kitchen" || first.Address != "203.0.113.9" || !first.Since.Before(newest.Since) {
			t.Errorf("Devices = %+v, want the newest first, with name, address and agent", apps[0].Devices)
		}
		s.Works(s.Withdraw(t.Context(), testkit.Ref("alice"), c.ID))
		if apps, err := s.ConnectedApps(t.Context(), testkit.Ref("alice")); err != nil || len(apps) != 0 {
			t.Errorf("after removing the app: %+v, %v, want none", apps, err)
		}
	})
}

// A user who declines after they allowed a device finds the page on which they remove it.
func TestDevice_PA_9_DeclineAfterAllow(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices)
	s.SetAppsPage("/account")
	page := enter(s.Browser().SignIn("alice"), begin(s, s.DeviceClient("Living Room TV")).userCode)
	page.Allow().WantPage(http.StatusOK)
	page.Deny().WantPage(http.StatusConflict, "You already allowed this request", `href="/account"`)
}

// A user can decline an optional scope for a device.
func TestDevice_PA_9_OptionalScope(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices, func(c *passport.Config) {
		c.Scopes = []passport.Scope{{ID: "read", Description: "Read your orders"}, {ID: "write", Description: "Change your orders", Optional: true}}
	})
	c, b := s.DeviceClient("Living Room TV"), s.Browser().SignIn("alice")
	for ticked, want := range map[string]string{"": "read", "write": "read write"} {
		d := begin(s, c, "scope", "read write")
		form := url.Values{"ticket": {enter(b, d.userCode).Ticket()}, "decision": {"allow"}}
		if ticked != "" {
			form.Set("scope_granted", ticked)
		}
		b.Post("/oauth/device", form).WantPage(http.StatusOK, "You’re done")
		if got := d.poll().Tokens().Scope; got != want {
			t.Errorf("with the ticks %q the device got the scopes %q, want %q", ticked, got, want)
		}
	}
}

// The device of a client for staff is for staff: a signed-in customer signs in as one of
// them first.
func TestDevice_DV_05_OtherProvider(t *testing.T) {
	staff := testkit.NewClerks("dora")
	s := testkit.NewServer(t, testkit.WithDevices, testkit.WithClerks(staff))
	c := s.DeviceClient("Living Room TV", func(r *passport.Registration) { r.Provider = "staff" })
	d, b := begin(s, c), s.Browser().SignIn("alice")
	back := enter(b, d.userCode).ReturnTo()
	d.poll().WantJSONError(http.StatusBadRequest, "authorization_pending")
	b.SetCookie("staff_session", "dora")
	wantAsks(b.Get(back), "dora@example.com").Allow().WantPage(http.StatusOK, "You’re done")
	if got := d.poll().Tokens().Access; s.Row(got).Family.User != (oauth.UserRef{Provider: "staff", ID: "dora"}) {
		t.Errorf("the token of the device is of %v, want the clerk", s.Row(got).Family.User)
	}
}
