package e2e_test

import (
	"context"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/cli/oauth/device"
	"golang.org/x/oauth2"
)

// The device of the tour works from beginning to end: it shows a code, the user allows it
// in another tab, and it shows their orders.
func TestE2E_PA_9_DV_14_TourDevice(t *testing.T) {
	s := startDemo(t)
	p := newPerson(t, s)
	display, phone := p.tab(), p.tab()
	display.open(s.URL + "/demo/device")
	display.press("Turn it on")
	display.see("or scan the picture", s.URL+"/oauth/device")
	code := regexp.MustCompile(`[B-Z]{4}-[B-Z]{4}`).FindString(display.text())

	phone.open(s.URL + "/oauth/device")
	phone.see("only if you started this on your own device")
	phone.wellMade("the page for the code of a device")
	phone.screenshot("device")
	phone.fill("user_code", code)
	phone.press("Continue")
	phone.see("to continue to Kitchen Display")
	phone.signIn(demoEmail, demoPassword)
	phone.see("Allow Kitchen Display to use your account?", code, "Display in the kitchen", "127.0.0.1", "Check order status")
	phone.wellMade("the consent page for a device")
	phone.screenshot("device-consent")
	phone.press("Allow")
	phone.see("You’re done", "Go back to your device.")
	phone.wellMade("the page after a device was allowed")

	display.see("Your orders", "Espresso machine")
	phone.open(s.URL + "/account")
	phone.see("Kitchen Display", "Display in the kitchen")
	phone.wellMade("the list of connected apps with a device")
	phone.press("Remove Kitchen Display")
	phone.see("Remove Kitchen Display?")
	phone.press("Remove")
	phone.see("No app can use your account.")
	phone.clean()
	display.clean()
}

// decide opens the link of a device in a browser, signs in and presses a button.
func (s *server) decide(t *testing.T, link, button, see string) {
	t.Helper()
	b := newPerson(t, s).tab()
	b.open(link)
	b.signIn(demoEmail, demoPassword)
	b.see("Does your device show this code?")
	b.press(button)
	b.see(see)
	b.clean()
}

// The device flow of golang.org/x/oauth2.
func TestE2E_DV_01_DV_02_OAuth2Library_Device(t *testing.T) {
	s := startDemo(t)
	config := &oauth2.Config{
		ClientID: "demo-device", Scopes: []string{"check-status"},
		Endpoint: oauth2.Endpoint{DeviceAuthURL: s.URL + "/oauth/device/code", TokenURL: s.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	begin := func() *oauth2.DeviceAuthResponse {
		begun, err := config.DeviceAuth(s.context(t))
		if err != nil || begun.Interval != 5 || time.Until(begun.Expiry) > 10*time.Minute {
			t.Fatalf("DeviceAuth() = %+v, %v, want an interval of 5 seconds and at most 10 minutes", begun, err)
		}
		return begun
	}
	begun := begin()
	s.decide(t, begun.VerificationURIComplete, "Allow", "You’re done")
	token, err := config.DeviceAccessToken(s.context(t), begun)
	if err != nil || token.RefreshToken == "" {
		t.Fatalf("DeviceAccessToken() = %v, want tokens", err)
	}
	s.call(t, token.AccessToken, "/api/orders", http.StatusOK)
	s.call(t, s.refresh(t, config, token).AccessToken, "/api/orders", http.StatusOK)

	begun = begin()
	s.decide(t, begun.VerificationURIComplete, "Cancel", "You declined")
	if _, err := config.DeviceAccessToken(s.context(t), begun); err == nil || !regexp.MustCompile("access_denied").MatchString(err.Error()) {
		t.Errorf("DeviceAccessToken() after Cancel = %v, want access_denied", err)
	}
}

// The device flow of github.com/cli/oauth, which is that of GitHub's command line. It
// posts forms and reads JSON or forms.
func TestE2E_DV_01_DV_02_CLIOAuth_Device(t *testing.T) {
	s := startDemo(t)
	client := &http.Client{Transport: transport{s.canaries, http.DefaultTransport}, Timeout: 30 * time.Second}
	code, err := device.RequestCode(client, s.URL+"/oauth/device/code", "demo-device", []string{"check-status"})
	if err != nil || code.UserCode == "" || code.VerificationURI != s.URL+"/oauth/device" {
		t.Fatalf("RequestCode() = %+v, %v, want the page at /oauth/device", code, err)
	}
	s.decide(t, code.VerificationURIComplete, "Allow", "You’re done")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	token, err := device.Wait(ctx, client, s.URL+"/oauth/token", device.WaitOptions{ClientID: "demo-device", DeviceCode: code})
	if err != nil {
		t.Fatalf("Wait() = %v, want a token", err)
	}
	s.call(t, token.Token, "/api/orders", http.StatusOK)
}
