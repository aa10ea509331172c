package dbtest_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/oauth"
)

// asked is a server whose only request is at one return address.
type asked struct {
	*ends
	returnTo string
	client   *oauth.Client
	err      error
}

func (a asked) SignInRequest(_ context.Context, returnTo string) (*oauth.SignInRequest, error) {
	if returnTo != a.returnTo {
		return nil, oauth.ErrNotFound
	}
	return &oauth.SignInRequest{Client: a.client}, a.err
}

// The sign-in page says which app asked, on every page of the sign-in, and offers to
// cancel. It welcomes no one back.
func TestAccount_PG_05_SignInNamesTheApp(t *testing.T) {
	s := sqliteSite(t, "https://app.example.com")
	s.ada()
	v := s.visitor("192.0.2.1")
	const to = "/oauth/authorize?passport_sign_in=abc.d-e_f"
	app := &oauth.Client{ID: "app", Name: "Order <b>\u202eTracker"}
	const named, cancel = "to continue to <strong><bdi>Order &lt;b&gt;Tracker</bdi></strong>", `<form class="center" method="post" action="` + to + `">`
	const unchecked = ", an app that another user registered and app.example.com has not checked"
	form := func(email, password string) url.Values {
		return url.Values{"email": {email}, "password": {password}, "return_to": {to}}
	}
	s.Connect(asked{s.ends, to, app, nil})
	pages := map[string]string{
		"the page":         v.get("/sign-in?return_to=" + url.QueryEscape(to)).Body.String(),
		"empty fields":     v.post("/sign-in", form("", "")).Body.String(),
		"a wrong password": v.post("/sign-in", form("ada@example.com", "not the password")).Body.String(),
	}
	for range 10 {
		v.post("/sign-in", form("eve@example.com", "not the password"))
	}
	throttled := v.post("/sign-in", form("eve@example.com", "not the password"))
	if throttled.Code != http.StatusTooManyRequests {
		t.Fatalf("after ten wrong passwords: status %d, want 429", throttled.Code)
	}
	pages["too many attempts"] = throttled.Body.String()
	v.signIn("ada@example.com", adasPassword)
	pages["another account?"] = v.get("/sign-in?return_to=" + url.QueryEscape(to)).Body.String()
	for name, body := range pages {
		if !strings.Contains(body, named) || !strings.Contains(body, cancel) || strings.Contains(body, unchecked) || strings.Contains(body, "Welcome back") {
			t.Errorf("%s: want the name of the app, Cancel, and no welcome:\n%s", name, body)
		}
	}
	app.Owner = oauth.UserRef{Provider: "users", ID: "bob"}
	if body := v.get("/sign-in?return_to=" + url.QueryEscape(to)).Body.String(); !strings.Contains(body, named+unchecked) {
		t.Errorf("the app of a user: want a warning:\n%s", body)
	}
	s.Connect(asked{s.ends, to, app, errors.New("the disk is full")})
	nameless := map[string]string{
		"after a fault": v.get("/sign-in?return_to=" + url.QueryEscape(to)).Body.String(),
		"for a page":    v.get("/sign-in?return_to=%2Faccount").Body.String(),
		"alone":         s.visitor("192.0.2.2").get("/sign-in").Body.String(),
	}
	for name, body := range nameless {
		if strings.Contains(body, "to continue to") || strings.Contains(body, "Cancel") || strings.Contains(body, "Welcome back") {
			t.Errorf("%s: want no app, no Cancel and no welcome:\n%s", name, body)
		}
	}
	if log := s.log.b.String(); !strings.Contains(log, "the sign-in page does not name the app") {
		t.Error("the log has no line about the fault")
	}
}
