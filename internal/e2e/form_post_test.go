package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

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
	e := startEmbedding(t, withOpenID(t))
	stays := newStayingSite(t)
	c, err := e.auth.CreateClient(t.Context(), passport.Registration{Name: "Wiki", RedirectURIs: []string{stays}})
	if err != nil {
		t.Fatal(err)
	}
	return newPerson(t, &e.server).tab(), []row{
		{"sign in to an app", nil, at(authorize(&e.server, c.Client.ID, stays, "scope", "openid profile email offline_access", "prompt", "consent")), "Sign in to Wiki with your account?"},
		{"access beside the sign-in", nil, at(authorize(&e.server, c.Client.ID, stays, "scope", "openid orders:read")), "Allow Wiki to use your account?"},
		{"form for an app", nil, func(b *tab) {
			b.open(authorize(&e.server, c.Client.ID, stays, "scope", "openid", "response_mode", "form_post"))
			b.press("Allow")
		}, "One moment"},
	}
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
	if focused := ask(b, chromedp.Evaluate[string](`document.activeElement.name`)); focused != "password" {
		t.Errorf("the field %q has the focus, want the password", focused)
	}
	for _, address := range b.been(s.URL + "/sign-in") {
		if strings.Contains(address, "grace") {
			t.Errorf("the hint is in the URL %s", address)
		}
	}
	b.clean()
}
