package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

var ticket = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

// A customer connects an app in a browser, with the shop's sign-in page, the
// consent page and the code.
func TestAnAppIsConnected(t *testing.T) {
	shop := newShop(t)
	shop.customer(t, "Ada")
	tracker := shop.auth.NewClient(passport.Registration{Name: "Order Tracker", RedirectURIs: []string{"https://tracker.example.com/callback"}})
	browser := shop.auth.HTTPClient()

	res, err := browser.Get("/oauth/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {tracker.ID}, "redirect_uri": {tracker.RedirectURIs[0]},
		"scope": {"check-status place-orders"}, "state": {"s1"},
	}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "the authorization request", res, http.StatusOK, "Sign in to the shop")
	returnTo := res.Request.URL.Query().Get("return_to")

	res, err = browser.PostForm("/login", url.Values{"email": {"ada@example.com"}, "password": {"wrong"}, "return_to": {returnTo}})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "a wrong password", res, http.StatusUnprocessableEntity, "is wrong")
	res, err = browser.PostForm("/login", url.Values{"email": {"ada@example.com"}, "password": {"correct horse"}, "return_to": {returnTo}})
	if err != nil {
		t.Fatal(err)
	}
	page := wantResponse(t, "signing in", res, http.StatusOK, "Order Tracker", "Place orders")
	found := ticket.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the page has no consent form: %s", page)
	}

	res, err = browser.PostForm("/oauth/authorize", url.Values{"ticket": {found[1]}, "decision": {"allow"}})
	if err != nil {
		t.Fatal(err)
	}
	page = wantResponse(t, "allowing it", res, http.StatusOK, "https://tracker.example.com/callback")
	code := regexp.MustCompile(`code=([^&"]+)`).FindStringSubmatch(page)
	if code == nil {
		t.Fatalf("the redirect to the app has no code: %s", page)
	}
	token, err := tracker.Exchange(url.Values{
		"grant_type": {"authorization_code"}, "code": {code[1]}, "redirect_uri": {tracker.RedirectURIs[0]},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK, "[]")

	res, err = browser.PostForm("/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantResponse(t, "signing out", res, http.StatusOK, "Sign in to the shop")
	wantGet(t, browser, "/", http.StatusOK, "Sign in to the shop")
	wantGet(t, token.HTTPClient(), "/api/orders", http.StatusOK) // the app stays connected
}

// The sign-in page does not redirect to another host.
func TestSignInStaysHere(t *testing.T) {
	for _, address := range []string{"https://evil.example.com/", "//evil.example.com", `/\evil.example.com`, "javascript:alert(1)"} {
		if to := local(address); to != "/" {
			t.Errorf("the sign-in redirects to %q for return_to %q, want /", to, address)
		}
	}
	if to := local("/oauth/authorize?client_id=1"); !strings.HasPrefix(to, "/oauth/authorize") {
		t.Errorf("the sign-in redirects to %q, want the authorization request", to)
	}
}
