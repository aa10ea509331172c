package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A goRelyingParty is an application that uses github.com/coreos/go-oidc and
// golang.org/x/oauth2, as most Go applications do.
type goRelyingParty struct {
	t        *testing.T
	s        *server
	ctx      context.Context
	provider *oidc.Provider
	config   *oauth2.Config
	verifier *oidc.IDTokenVerifier
}

func newGoRelyingParty(t *testing.T, s *server, options ...string) *goRelyingParty {
	t.Helper()
	const callback = "https://app.example.com/callback"
	c := s.client(t, append([]string{"--name", "Wiki", "--redirect-uri", callback}, options...)...)
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: transport{s.canaries, http.DefaultTransport}, Timeout: 30 * time.Second})
	provider, err := oidc.NewProvider(ctx, s.URL)
	if err != nil {
		t.Fatalf("NewProvider(%s) = %v", s.URL, err)
	}
	return &goRelyingParty{t, s, ctx, provider, &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: callback, Endpoint: provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, provider.Verifier(&oidc.Config{ClientID: c.ID})}
}

// signIn sends a browser through the flow and returns the tokens, with a verified ID
// token.
func (p *goRelyingParty) signIn(a *agent, options ...oauth2.AuthCodeOption) (*oauth2.Token, *oidc.IDToken) {
	p.t.Helper()
	verifier, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	options = append(options, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce))
	got := a.answer(p.config.AuthCodeURL("a-state-that-comes-back", options...)).parameters()
	if got.Get("state") != "a-state-that-comes-back" || got.Get("iss") != p.s.URL || got.Get("code") == "" {
		p.t.Fatalf("the response has %v, want a code, the state, and iss %s", got, p.s.URL)
	}
	token, err := p.config.Exchange(p.ctx, got.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		p.t.Fatalf("Exchange() = %v", err)
	}
	verified := p.verify(token)
	if verified.Nonce != nonce {
		p.t.Errorf("the ID token has the nonce %q, want %q", verified.Nonce, nonce)
	}
	return token, verified
}

// verify verifies the ID token beside an access token.
func (p *goRelyingParty) verify(token *oauth2.Token) *oidc.IDToken {
	p.t.Helper()
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		p.t.Fatal("the token response has no id_token")
	}
	p.s.canaries.add("id_token", raw)
	verified, err := p.verifier.Verify(p.ctx, raw)
	if err != nil {
		p.t.Fatalf("Verify() = %v", err)
	}
	if err := verified.VerifyAccessToken(token.AccessToken); err != nil {
		p.t.Errorf("VerifyAccessToken() = %v, want the at_hash of the access token", err)
	}
	return verified
}

// claims returns claims that the package has no field for.
func (p *goRelyingParty) claims(v interface{ Claims(any) error }) (all map[string]any) {
	p.t.Helper()
	if err := v.Claims(&all); err != nil {
		p.t.Fatal(err)
	}
	return all
}

// Sign-in, UserInfo, refresh, and a second sign-in without a page, with go-oidc.
func TestClients_GoOIDC_OI_38_OI_143_XB19_SignIn(t *testing.T) {
	t.Parallel()
	s := startProvider(t)
	p := newGoRelyingParty(t, s)
	ada := s.subjectOf(t, userEmail)
	a := newAgent(t, s)
	token, first := p.signIn(a)
	claims := p.claims(first)
	if first.Subject != ada || claims["sid"] == "" || claims["auth_time"] == nil || claims["email"] != nil {
		t.Errorf("the ID token has %v, want sub %s, sid and auth_time, and no email", claims, ada)
	}
	info, err := p.provider.UserInfo(p.ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatalf("UserInfo() = %v", err)
	}
	if info.Subject != ada || info.Email != userEmail || p.claims(info)["name"] != userName {
		t.Errorf("UserInfo() = %v, want Ada", p.claims(info))
	}

	fresh := s.refresh(t, p.config, token)
	again := p.verify(fresh)
	if got := p.claims(again); again.Subject != ada || again.Nonce != "" || got["auth_time"] != claims["auth_time"] || got["sid"] != claims["sid"] {
		t.Errorf("the ID token of a refresh has %v, want sub, auth_time and sid of the first, %v, and no nonce", got, claims)
	}

	_, silent := p.signIn(a, oauth2.SetAuthURLParam("prompt", "none"))
	if got := p.claims(silent); silent.Subject != ada || got["auth_time"] != claims["auth_time"] || got["sid"] != claims["sid"] {
		t.Errorf("the ID token for prompt=none has %v, want sub, auth_time and sid of the first, %v", got, claims)
	}
}

// A client without openid gets no ID token.
func TestClients_GoOIDC_OI_01_WithoutOpenID(t *testing.T) {
	t.Parallel()
	s := startProvider(t)
	p := newGoRelyingParty(t, s)
	p.config.Scopes = []string{"profile"}
	verifier := oauth2.GenerateVerifier()
	got := newAgent(t, s).answer(p.config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("a-nonce-for-no-token"))).parameters()
	token, err := p.config.Exchange(p.ctx, got.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("Exchange() = %v", err)
	}
	if raw := token.Extra("id_token"); raw != nil {
		t.Errorf("the token response has the id_token %v, want none without the scope openid", raw)
	}
	if _, err := p.provider.UserInfo(p.ctx, oauth2.StaticTokenSource(token)); err == nil {
		t.Error("UserInfo() without the scope openid works, want an error")
	}
}

// The client asks to sign the user out, and gets the logout token that a second client of
// the session gets, too. go-oidc verifies it.
func TestClients_GoOIDC_LO_13_BL_03_BL_05_Logout(t *testing.T) {
	t.Parallel()
	receiver := newLogoutReceiver(t)
	s := startProvider(t, "PASSPORT_OPENID_BACKCHANNEL_ALLOWED_HOSTS="+receiver.host)
	p := newGoRelyingParty(t, s, "--post-logout-redirect-uri", "https://app.example.com/goodbye")
	other := newGoRelyingParty(t, s, "--backchannel-logout-uri", receiver.url+"?logout=backchannel")
	a := newAgent(t, s)
	token, _ := p.signIn(a)
	_, second := other.signIn(a)

	endpoint, _ := p.claims(p.provider)["end_session_endpoint"].(string)
	raw, _ := token.Extra("id_token").(string)
	left := a.get(endpoint + "?" + url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {"https://app.example.com/goodbye"}, "state": {"bye"}}.Encode())
	if left.Away == nil || left.Away.String() != "https://app.example.com/goodbye?state=bye" {
		t.Fatalf("the sign-out leads to %v, want the client's page with its state:\n%s", left.Away, left.text(t))
	}
	logout, err := other.verifier.VerifyLogout(other.ctx, receiver.next(t))
	if err != nil {
		t.Fatalf("VerifyLogout() = %v", err)
	}
	if sid := other.claims(second)["sid"]; logout.SessionID != sid || logout.Subject != second.Subject {
		t.Errorf("the logout token has sid %q and sub %q, want %q and %q of the ID token", logout.SessionID, logout.Subject, sid, second.Subject)
	}
	got := a.get(p.config.AuthCodeURL("state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	if got.Away == nil || got.Away.Query().Get("error") != "login_required" {
		t.Errorf("after the sign-out prompt=none leads to %v, want login_required", got.Away)
	}
}

// A logoutReceiver receives logout tokens.
type logoutReceiver struct {
	host, url string
	tokens    chan string
}

func newLogoutReceiver(t *testing.T) *logoutReceiver {
	t.Helper()
	r := &logoutReceiver{tokens: make(chan string, 10)}
	r.host = "127.0.0.1:" + listenAndServe(t, "tcp4", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if err := q.ParseForm(); err != nil || len(q.PostForm) != 1 || len(q.Cookies()) > 0 || q.Method != http.MethodPost {
			t.Errorf("the logout request is %s with %v (%v), want a POST with logout_token alone (Back-Channel Logout §2.5)", q.Method, q.PostForm, err)
		}
		r.tokens <- q.PostForm.Get("logout_token")
	}))
	r.url = "http://" + r.host + "/logout"
	return r
}

// next waits for a logout token.
func (r *logoutReceiver) next(t *testing.T) string {
	t.Helper()
	select {
	case token := <-r.tokens:
		return token
	case <-time.After(20 * time.Second):
		t.Fatal("no logout token arrived within 20 s")
		return ""
	}
}
