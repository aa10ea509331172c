package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-passport/passport"
	"github.com/go-passport/passport/memstore"
)

// withOpenID makes an embedding an OpenID provider.
func withOpenID(t *testing.T) func(*passport.Config) {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := passport.NewKeys(ec, rs)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *passport.Config) {
		c.Keys, c.Store = keys, new(memstore.Store)
		c.Features = append(c.Features, passport.OpenID{})
	}
}

// formClient is a client that receives responses as forms, and redirects the browser to
// another site afterwards.
type formClient struct {
	port string
	mu   sync.Mutex
	got  []postedForm
}

// postedForm is a form that the client has received.
type postedForm struct {
	url.Values
	query, origin, referrer, kind string
}

func newFormClient(t *testing.T) *formClient {
	t.Helper()
	c, mux := &formClient{}, http.NewServeMux()
	mux.HandleFunc("POST /callback", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		c.mu.Lock()
		c.got = append(c.got, postedForm{r.PostForm, r.URL.RawQuery, r.Header.Get("Origin"), r.Referer(), r.Header.Get("Content-Type")})
		c.mu.Unlock()
		http.Redirect(w, r, "http://localhost:"+c.port+"/inside", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /inside", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>Inside</title><p>You are in.`)
	})
	c.port = listenAndServe(t, "tcp4", "127.0.0.1:0", mux)
	return c
}

func (c *formClient) last() postedForm {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) == 0 {
		return postedForm{}
	}
	return c.got[len(c.got)-1]
}

// A browser posts the response to the client, with scripts by itself and without them by
// a button, and may be redirected to another site from there.
func TestE2E_OI_51_OI_52_FormPost(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %t", scripts), func(t *testing.T) {
			e := startEmbedding(t, withOpenID(t))
			b := newPerson(t, &e.server).tab()
			if !scripts {
				b.withoutScripts()
			}
			for _, host := range []string{"127.0.0.1", clientHost} {
				rp := newFormClient(t)
				callback := "http://" + host + ":" + rp.port + "/callback"
				c, err := e.auth.CreateClient(t.Context(), passport.Registration{Name: "Wiki", RedirectURIs: []string{callback}})
				if err != nil {
					t.Fatal(err)
				}
				b.open(authorize(&e.server, c.Client.ID, callback, "scope", "openid", "nonce", "n", "response_mode", "form_post", "state", `a "quoted" <state>`))
				b.see("Sign in to Wiki with your account?")
				for _, want := range []string{"code", "error"} {
					if want == "error" { // no page: the consent is missing
						b.open(authorize(&e.server, c.Client.ID, callback, "scope", "openid orders:read", "prompt", "none", "response_mode", "form_post", "state", `a "quoted" <state>`))
					} else {
						b.press("Allow")
					}
					if !scripts {
						b.see("One moment")
						b.press("Continue")
					}
					b.see("You are in.")
					got := rp.last()
					if got.Get(want) == "" || got.Get("state") != `a "quoted" <state>` || got.query != "" || got.kind != "application/x-www-form-urlencoded" {
						t.Errorf("%s receives %+v, want a form with %s and state", host, got, want)
					}
					if got.origin != e.URL || strings.TrimSuffix(got.referrer, "/") != e.URL {
						t.Errorf("%s sees the origin %q and the referrer %q, want the issuer alone", host, got.origin, got.referrer)
					}
				}
			}
			b.clean()
		})
	}
}

// openIDPages are the pages of OpenID Connect.
func openIDPages(t *testing.T) (*tab, []row) {
	t.Helper()
	const other = "grace@example.com"
	s := newServer(t)
	s.write(t, "logo.svg", []byte(shopLogo))
	s.write(t, "passport.toml", []byte(pageScopes()+"[openid]\n"))
	s.start(t, "serve", "--listen", freeAddress(t))
	s.user(t, userEmail, userName)
	s.user(t, other, "Grace Hopper")
	stays := newStayingSite(t)
	wiki := s.client(t, "--name", "Wiki", "--redirect-uri", stays)
	party := newThirdParty(t, "tcp4", "127.0.0.1:0")
	callback := "http://127.0.0.1:" + party.port + "/callback"
	web := s.client(t, "--name", "Web app", "--redirect-uri", callback)
	ask := func(more ...string) string {
		return authorize(s, wiki.ID, stays, append([]string{"scope", "openid profile email"}, more...)...)
	}
	return newPerson(t, s).tab(), []row{
		{"sign in with a hint", nil, at(ask("login_hint", userEmail)), "to continue to Wiki"},
		{"sign in to an app", nil, func(b *tab) { b.fill("password", userPassword); b.press("Sign in") }, "Sign in to Wiki with your account?"},
		{"access beside the sign-in", nil, at(ask("scope", "openid orders:read")), "Allow Wiki to use your account?"},
		{"offline access", nil, at(ask("scope", "openid offline_access", "prompt", "consent")), "also while you are away"},
		{"form for an app", nil, func(b *tab) {
			b.open(ask("response_mode", "form_post"))
			b.press("Allow")
			for _, disabled := range []bool{true, false} { // for some seconds, so that the code is sent once
				b.waitFor(fmt.Sprintf(`document.querySelector("h1")?.innerText === "One moment" && document.querySelector("button").disabled === %t`, disabled))
			}
		}, "One moment"},
		{"sign in again for max_age", nil, func(b *tab) { time.Sleep(1100 * time.Millisecond); b.open(ask("max_age", "1")) }, "Confirm that it’s you"},
		{"another user than the expected one", nil, func(b *tab) {
			b.open(authorize(s, web.ID, callback, "scope", "openid"))
			b.press("Allow")
			b.see("You are in.")
			hint := s.idToken(t, web, party.received()[0].Get("code"), callback)
			b.open(s.URL + "/sign-in?prompt=another&return_to=/account")
			b.signIn(other, userPassword)
			b.see("Grace Hopper")
			b.open(authorize(s, web.ID, callback, "scope", "openid", "id_token_hint", hint))
		}, "The app knows you by another account."},
	}
}

// waitFor waits until an expression is true on the page.
func (b *tab) waitFor(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !ask(b, chromedp.Evaluate[bool](expression)); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s does not become true. The tab is at %s and shows:\n%s", expression, b.url(), b.text())
		}
	}
}

// idToken redeems a code of [authorize].
func (s *server) idToken(t *testing.T, c client, code, callback string) string {
	t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {c.ID}, "client_secret": {c.Secret},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, // RFC 7636 appendix B
	}
	res, err := http.PostForm(s.URL+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.IDToken == "" {
		t.Fatalf("no ID token, status %d: %v", res.StatusCode, err)
	}
	return got.IDToken
}

// OI-10: a login_hint fills in the field of the sign-in page. It is text there, and in no
// URL of the server.
func TestE2E_OI_10_LoginHint(t *testing.T) {
	s := startPages(t)
	c := s.client(t, "--name", "Wiki", "--redirect-uri", "https://wiki.example/callback")
	const hint = `"><b>grace</b>@example.com`
	b := newPerson(t, s).tab()
	b.open(authorize(s, c.ID, "https://wiki.example/callback", "login_hint", hint))
	b.see("to continue to Wiki")
	if got := ask(b, chromedp.Evaluate[string](`document.querySelector("input[name=email]").value`)); got != hint {
		t.Errorf("the field has %q, want %q", got, hint)
	}
	b.waitFor(`document.activeElement.name === "password"`) // the email is filled in
	for _, address := range b.been(s.URL + "/sign-in") {
		if strings.Contains(address, "grace") {
			t.Errorf("the hint is in the URL %s", address)
		}
	}
	b.clean()
}
