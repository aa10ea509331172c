package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The devices of an app are listed below it. Their names are texts of strangers.
func TestApps_PA_9_Devices(t *testing.T) {
	s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.Features = append(c.Features, passport.Device{}) })
	c := s.Register(passport.Registration{Name: "Shop TV", AuthMethod: oauth.AuthNone, GrantTypes: []string{testkit.DeviceGrant}, RedirectURIs: []string{}})
	v := s.visitor("alice")
	for _, label := range []string{"TV in the kitchen", `<b onclick="x">TV</b>`, ""} {
		begun := s.Do(s.FormRequest(c, "/oauth/device/code", "device_name", label)).WantStatus(http.StatusOK).JSON()
		v.Post("/oauth/device", url.Values{"user_code": {begun["user_code"].(string)}}).Allow()
		s.Do(s.FormRequest(c, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", begun["device_code"].(string))).Tokens()
	}
	page := v.get("/account")
	shows(t, page, http.StatusOK, "Shop TV", "On your devices:", "TV in the kitchen , since", "A device without a name")
	if strings.Contains(page.Body, "<b onclick") {
		t.Errorf("the name of a device is not escaped:\n%s", page.Body)
	}
	shows(t, v.get("/account/remove?client="+c.ID), http.StatusOK, "TV in the kitchen")
}

// A user who allowed a device by mistake can remove it before the device has used its code.
func TestApps_PA_9_DeviceWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.Features = append(c.Features, passport.Device{}) })
		c := s.Register(passport.Registration{Name: "Shop TV", AuthMethod: oauth.AuthNone, GrantTypes: []string{testkit.DeviceGrant}, RedirectURIs: []string{}})
		v := s.visitor("alice")
		begin := func() (code string) {
			begun := s.Do(s.FormRequest(c, "/oauth/device/code", "scope", "read", "device_name", "TV of an attacker")).WantStatus(http.StatusOK).JSON()
			v.Post("/oauth/device", url.Values{"user_code": {begun["user_code"].(string)}}).Allow()
			return begun["device_code"].(string)
		}
		code := begin()
		shows(t, v.get("/account"), http.StatusOK, "Shop TV", "Read your orders", "TV of an attacker , since")
		shows(t, v.post("/account/remove", "client", c.ID), http.StatusOK, "Shop TV was removed", "No app can use your account.")
		s.Do(s.FormRequest(c, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", code)).WantJSONError(400, "invalid_grant")

		time.Sleep(time.Second)
		code = begin()
		if n, err := s.WithdrawAll(t.Context(), testkit.Ref("alice")); n != 1 || err != nil {
			t.Errorf("WithdrawAll() = %d, %v, want 1", n, err)
		}
		s.Do(s.FormRequest(c, "/oauth/token", "grant_type", testkit.DeviceGrant, "device_code", code)).WantJSONError(400, "invalid_grant")

		time.Sleep(time.Second)
		begin()
		time.Sleep(11 * time.Minute) // the code has expired, and the minute for the next poll
		shows(t, v.get("/account"), http.StatusOK, "No app can use your account.")
	})
}
