package e2e_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
	"golang.org/x/oauth2"
)

// A wiki is a client at another site that signs users in, and out at the server.
type wiki struct {
	*oauth2.Config
	url string
}

// newWiki registers a wiki, and starts its site: /callback, /out, and /leave with a link
// and a form to the logout endpoint, whose query is that of the page.
func newWiki(t *testing.T, s *server) wiki {
	t.Helper()
	mux := http.NewServeMux()
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><title>Wiki</title><p>%s`, text)
		}
	}
	mux.HandleFunc("GET /callback", page("You are in the wiki."))
	mux.HandleFunc("GET /out", page("You have left the wiki."))
	mux.HandleFunc("GET /leave", func(w http.ResponseWriter, r *http.Request) {
		fields := ""
		for name, values := range r.URL.Query() {
			fields += fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(values[0]))
		}
		page(fmt.Sprintf(`<a href="%s">Leave</a><form method="post" action="%s">%s<button>Leave by a form</button></form>`,
			html.EscapeString(s.URL+"/oauth/logout?"+r.URL.RawQuery), s.URL+"/oauth/logout", fields))(w, r)
	})
	at := "http://" + clientHost + ":" + listenAndServe(t, "tcp4", "127.0.0.1:0", mux)
	c := s.client(t, "--name", "Wiki", "--redirect-uri", at+"/callback", "--post-logout-redirect-uri", at+"/out")
	return wiki{&oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: at + "/callback", Scopes: []string{"openid"}, Endpoint: endpoint(s, oauth2.AuthStyleInHeader),
	}, at}
}

// signIn signs the user in to the wiki, and returns the ID token. The first time, the user
// allows it.
func (w wiki) signIn(b *tab, s *server, first bool) string {
	b.t.Helper()
	verifier := oauth2.GenerateVerifier()
	b.open(w.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	b.signIn(userEmail, userPassword)
	if first {
		b.press("Allow")
	}
	b.see("You are in the wiki.")
	at, err := url.Parse(b.url())
	if err != nil {
		b.t.Fatal(err)
	}
	token, err := w.Exchange(s.context(b.t), at.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		b.t.Fatal(err)
	}
	hint, _ := token.Extra("id_token").(string)
	if hint == "" {
		b.t.Fatal("the wiki got no ID token")
	}
	return hint
}

// wantOut fails the test if the browser's user is still signed in.
func (w wiki) wantOut(b *tab, s *server) {
	b.t.Helper()
	if cookies := b.cookiesOf(s.URL + "/"); strings.Contains(cookies, "session") {
		b.t.Errorf("after the sign-out the browser has the cookies %s", cookies)
	}
	b.open(w.AuthCodeURL("state", oauth2.SetAuthURLParam("prompt", "none")))
	if b.see("You are in the wiki."); !strings.Contains(b.url(), "error=login_required") {
		b.t.Errorf("prompt=none after the sign-out leads to %s, want login_required", b.url())
	}
}

// A client at another site signs the user out: with a link and with a form, which comes
// without the session cookie, and with a question if it has no ID token.
func TestE2E_LO_01_LO_05_LO_11_SignOutForAClient(t *testing.T) {
	s := startShop(t, "PASSPORT_OPENID_ENABLED=true")
	w, b := newWiki(t, s), newPerson(t, s).tab()
	for _, how := range []string{"Leave", "Leave by a form", "Sign out"} {
		hint := w.signIn(b, s, how == "Leave")
		params := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {w.url + "/out"}, "state": {how}}
		if how == "Sign out" {
			params = url.Values{"client_id": {w.ClientID}, "post_logout_redirect_uri": {w.url + "/out"}, "state": {how}}
		}
		b.open(s.URL + "/account")
		b.see(userEmail)
		b.open(w.url + "/leave?" + params.Encode())
		if how == "Sign out" {
			b.press("Leave")
			b.see("Wiki asks to sign you out", userEmail)
		}
		b.press(how)
		b.see("You have left the wiki.")
		if want := w.url + "/out?state=" + url.QueryEscape(how); b.url() != want {
			t.Errorf("%s: the browser is at %s, want %s", how, b.url(), want)
		}
		b.do("go back to the account", chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`void setTimeout(() => history.go(%d), 50)`, map[string]int{"Leave": -2, "Leave by a form": -2, "Sign out": -3}[how])))
		b.see("Sign in to")
		if strings.Contains(b.text(), userEmail) {
			t.Errorf("%s: the back button shows the account: %s", how, b.text())
		}
		w.wantOut(b, s)
	}
}

// logoutPages are the pages of /oauth/logout.
func logoutPages(t *testing.T) (*tab, []row) {
	t.Helper()
	e := startEmbedding(t, withOpenID(t))
	callback := e.URL + "/callback"
	register := func(owner passport.UserRef) client {
		c, err := e.auth.CreateClient(t.Context(), passport.Registration{
			Name: "Wiki", RedirectURIs: []string{callback}, Owner: owner, OpenID: &oauth.ClientOpenID{PostLogoutRedirectURIs: []string{callback}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return client{ID: c.Client.ID, Secret: c.Secret}
	}
	trusted, owned := register(passport.UserRef{}), register(passport.UserRef{Provider: "users", ID: "2"})
	a := newAgent(t, &e.server)
	away := a.submit(a.get(authorize(&e.server, owned.ID, callback, "scope", "openid")), "Allow", nil)
	if away.Away == nil {
		t.Fatalf("allowing returned a page of the server: %s", away.text(t))
	}
	hint := e.idToken(t, owned, away.Away.Query().Get("code"), callback)
	leave := func(name, value string) string {
		return e.URL + "/oauth/logout?" + url.Values{name: {value}, "post_logout_redirect_uri": {callback}}.Encode()
	}
	return newPerson(t, &e.server).tab(), []row{
		{"an app asks", []string{"/oauth/logout"}, at(leave("client_id", trusted.ID)), "Wiki asks to sign you out"},
		{"not signed in", nil, func(b *tab) { b.press("Sign out"); b.see("The app is connected."); b.open(e.URL + "/oauth/logout") }, "No account is signed in"},
		{"link of an app", nil, at(leave("id_token_hint", hint)), "Back to Wiki"},
		{"expired", nil, func(b *tab) {
			e.user, e.err = &passport.User{ID: "1", Name: userName, Email: userEmail}, nil
			b.post(e.URL+"/oauth/logout", "ticket", "of another server")
		}, "This page has expired"},
		{"mistake of an app", nil, at(leave("id_token_hint", "x")), "Other browsers and devices stay signed in"},
		{"signed out after a mistake", nil, pressing("Sign out"), "You are signed out"},
	}
}
