package demo_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/demo"
	"github.com/go-passport/passport/internal/jws"
)

// fake is an authorization server that answers as it is told, on the address
// that the application is on too.
type fake struct {
	*httptest.Server
	log     bytes.Buffer
	forms   []url.Values                // what came to the token endpoint
	refuse  string                      // the error that the token endpoint answers
	issuer  string                      // that the metadata names; its own when empty
	unauth  bool                        // the API refuses every token
	cut     bool                        // the token endpoint cuts the connection
	nonces  map[string]string           // of the authorization requests, by code_challenge
	key     *jws.Key                    // that signs ID tokens
	keys    func() *jws.Key             // that the server publishes
	idToken func(claims map[string]any) // changes the claims of an ID token
	browser *http.Client
}

const accessToken = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2Vyczo0MiIsImV4cCI6MTc2NDAwMDAwMCwic2NvcGUiOiJjaGVjay1zdGF0dXMiLCJ6eiI6WzFdfQ.c2ln"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{nonces: map[string]string{}, key: idTokenKey(), keys: idTokenKey, idToken: func(map[string]any) {}}
	mux := http.NewServeMux()
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		issuer := f.URL
		if f.issuer != "" {
			issuer = f.issuer
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "authorization_endpoint": f.URL + "/oauth/authorize", "token_endpoint": f.URL + "/oauth/token", "jwks_uri": f.URL + "/oauth/jwks"})
	})
	mux.HandleFunc("GET /oauth/jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{f.keys().JWK(), map[string]string{"kty": "unknown"}}})
	})
	mux.HandleFunc("POST /oauth/token", f.token)
	mux.HandleFunc("GET /api/", func(w http.ResponseWriter, r *http.Request) {
		if f.unauth || r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`","name":"<Demo> User"}`)
	})
	demo.NewApp(demo.AppConfig{
		Issuer: f.URL, ClientID: "demo-web", Scopes: []string{"check-status", "place-orders"},
		Email: demo.Email, Password: demo.Password, Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	}).Mount(mux)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	f.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return f
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.forms = append(f.forms, r.PostForm)
	if f.cut {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	if f.refuse != "" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"`+f.refuse+`","error_description":"as told"}`)
		return
	}
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	claims := map[string]any{
		"iss": f.URL, "sub": "users:42", "aud": "demo-web", "exp": time.Now().Add(time.Hour).Unix(), "nonce": f.nonces[base64.RawURLEncoding.EncodeToString(challenge[:])], "name": "<Demo> User", "email": demo.Email,
	}
	f.idToken(claims)
	idToken, err := f.key.Sign("JWT", claims)
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, `{"access_token":"`+accessToken+`","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-1","scope":"check-status","id_token":"`+idToken+`"}`)
}

// idTokenKey returns a key for ID tokens, which is made once.
var idTokenKey = sync.OnceValue(func() *jws.Key {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := jws.New(private, jws.RS256)
	if err != nil {
		panic(err)
	}
	return key
})

type answer struct {
	status         int
	location, text string
}

// visit has the browser fetch an address or send a form.
func (f *fake) visit(t *testing.T, method, path string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, f.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := f.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header.Get("Location"), html.UnescapeString(string(body))}
}

// connect presses the button and returns the authorization request.
func (f *fake) connect(t *testing.T) url.Values {
	t.Helper()
	got := f.visit(t, http.MethodGet, "/demo/connect")
	to, err := url.Parse(got.location)
	if err != nil || got.status != http.StatusSeeOther || f.URL+"/oauth/authorize" != to.Scheme+"://"+to.Host+to.Path {
		t.Fatalf("connect = %d to %q, want a redirect to the authorization endpoint", got.status, got.location)
	}
	f.nonces[to.Query().Get("code_challenge")] = to.Query().Get("nonce")
	return to.Query()
}

func (f *fake) callback(t *testing.T, q url.Values) answer {
	t.Helper()
	return f.visit(t, http.MethodGet, demo.CallbackPath+"?"+q.Encode())
}

// connected goes the whole way.
func (f *fake) connected(t *testing.T) {
	t.Helper()
	asked := f.connect(t)
	got := f.callback(t, url.Values{"state": {asked.Get("state")}, "iss": {f.URL}, "code": {"code-1"}})
	if got.status != http.StatusSeeOther || got.location != "/demo/connected" {
		t.Fatalf("callback = %d to %q, want /demo/connected:\n%s", got.status, got.location, got.text)
	}
}

func TestApp_Connects(t *testing.T) {
	f := newFake(t)
	asked := f.connect(t)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "demo-web", "redirect_uri": f.URL + demo.CallbackPath,
		"scope": "check-status place-orders", "code_challenge_method": "S256",
	} {
		if asked.Get(name) != want {
			t.Errorf("authorization request has %s=%q, want %q", name, asked.Get(name), want)
		}
	}
	got := f.callback(t, url.Values{"state": {asked.Get("state")}, "iss": {f.URL}, "code": {"code-1"}})
	if got.status != http.StatusSeeOther || got.location != "/demo/connected" {
		t.Fatalf("callback = %d to %q, want /demo/connected", got.status, got.location)
	}
	form := f.forms[0]
	challenge := sha256.Sum256([]byte(form.Get("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") || form.Get("code") != "code-1" || form.Get("redirect_uri") != f.URL+demo.CallbackPath {
		t.Errorf("token request %v does not belong to authorization request %v", form, asked)
	}
	page := f.visit(t, http.MethodGet, "/demo/connected")
	for _, want := range []string{"at+jwt", "users:42", "24 November 2025 16:00:00 UTC", "<Demo> User", "[1]", "refresh-1"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if again := f.visit(t, http.MethodGet, "/demo"); !strings.Contains(again.text, "You are connected") {
		t.Error("the first page does not say that the application is connected")
	}
}

// The page explains every claim that the server of the tour puts into an ID token.
func TestApp_OI_66_ExplainsClaims(t *testing.T) {
	f := newFake(t)
	f.idToken = func(c map[string]any) {
		c["email_verified"], c["updated_at"], c["auth_time"] = true, 1764000000, 1764000000
		c["amr"], c["at_hash"], c["sid"], c["iat"] = []string{"pwd"}, "hash", "session", 1764000000
	}
	f.connected(t)
	page := f.visit(t, http.MethodGet, "/demo/connected")
	for _, want := range []string{"at which your name or address last changed", "How you signed in", "at which you typed your password", "Your session"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// An ID token that isn't for this sign-in signs no user in (OpenID Connect Core §3.1.3.7).
func TestApp_OI_66_RefusesIDTokens(t *testing.T) {
	for name, change := range map[string]func(*fake, map[string]any){
		"another issuer":   func(_ *fake, c map[string]any) { c["iss"] = "https://evil.example" },
		"another audience": func(_ *fake, c map[string]any) { c["aud"] = "another" },
		"another nonce":    func(_ *fake, c map[string]any) { c["nonce"] = "another" },
		"no nonce":         func(_ *fake, c map[string]any) { delete(c, "nonce") },
		"expired":          func(_ *fake, c map[string]any) { c["exp"] = time.Now().Unix() - 1 },
		"another key": func(f *fake, _ map[string]any) {
			_, private, _ := ed25519.GenerateKey(rand.Reader)
			f.key, _ = jws.New(private, jws.EdDSA)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.idToken = func(c map[string]any) { change(f, c) }
			asked := f.connect(t)
			got := f.callback(t, url.Values{"state": {asked.Get("state")}, "iss": {f.URL}, "code": {"code-1"}})
			if got.status != http.StatusBadGateway || !strings.Contains(got.text, "The ID token doesn’t verify") {
				t.Errorf("callback = %d, want 502 and a page that says why:\n%s", got.status, got.text)
			}
			if page := f.visit(t, http.MethodGet, "/demo/connected"); page.location != "/demo" {
				t.Errorf("/demo/connected = %d, want the first page: no user is signed in", page.status)
			}
		})
	}
}

// The only button is above the steps, where a phone shows it. Names of parameters are in
// code type.
func TestApp_PG_19_ButtonAndCodeType(t *testing.T) {
	f := newFake(t)
	start := f.visit(t, http.MethodGet, "/demo").text
	if button, steps := strings.Index(start, `href="/demo/connect"`), strings.Index(start, `<ol class="steps">`); button < 0 || button > steps {
		t.Errorf("the button is at %d and the steps are at %d, want the button first:\n%s", button, steps, start)
	}
	if !strings.Contains(start, "<title>Connect your account · Order Tracker</title>") {
		t.Errorf("the title has another separator than the other pages:\n%s", start)
	}
	f.connected(t)
	page := f.visit(t, http.MethodGet, "/demo/connected").text
	for _, name := range []string{"state", "code_challenge", "code_verifier", "iss"} {
		if !strings.Contains(page, "<code>"+name+"</code>") {
			t.Errorf("the page has %s outside of code type", name)
		}
	}
	if strings.Contains(page, "`") {
		t.Error("the page has a backquote")
	}
}

func TestApp_RefusesAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer func(state, issuer string) url.Values
		status int
		want   string
	}{
		{"another state", func(_, iss string) url.Values {
			return url.Values{"state": {"x"}, "iss": {iss}, "code": {"c"}}
		}, 400, "We weren’t expecting this response"},
		{"no state", func(_, iss string) url.Values { return url.Values{"iss": {iss}, "code": {"c"}} }, 400, "We weren’t expecting this response"},
		{"RFC 9207: another iss", func(state, _ string) url.Values {
			return url.Values{"state": {state}, "iss": {"https://evil.example"}, "code": {"c"}}
		}, 400, "This response is from another server"},
		{"RFC 9207: no iss", func(state, _ string) url.Values { return url.Values{"state": {state}, "code": {"c"}} }, 400, "This response is from another server"},
		{"denied", func(state, iss string) url.Values {
			return url.Values{"state": {state}, "iss": {iss}, "error": {"access_denied"}, "error_description": {"No <b>thanks</b>."}}
		}, 200, "You declined"},
		{"another error", func(state, iss string) url.Values {
			return url.Values{"state": {state}, "iss": {iss}, "error": {"invalid_scope"}}
		}, 502, "invalid_scope"},
		{"no code", func(state, iss string) url.Values { return url.Values{"state": {state}, "iss": {iss}} }, 502, "The server refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			got := f.callback(t, test.answer(f.connect(t).Get("state"), f.URL))
			if got.status != test.status || !strings.Contains(got.text, test.want) {
				t.Errorf("callback = %d, want %d and a page that says %q:\n%s", got.status, test.status, test.want, got.text)
			}
			if len(f.forms) > 0 {
				t.Errorf("the code went to the token endpoint: %v", f.forms)
			}
		})
	}
}

func TestApp_AnswerCountsOnce(t *testing.T) {
	f := newFake(t)
	q := url.Values{"state": {f.connect(t).Get("state")}, "iss": {f.URL}, "code": {"code-1"}}
	f.callback(t, q)
	if got := f.callback(t, q); got.status != http.StatusSeeOther || len(f.forms) != 1 {
		t.Errorf("the second time, as a double click brings it: %d with %d token requests, want 303 and 1", got.status, len(f.forms))
	}
	q.Set("code", "code-2")
	if got := f.callback(t, q); got.status != http.StatusBadRequest || len(f.forms) != 1 {
		t.Errorf("another code for the same state: %d with %d token requests, want 400 and 1", got.status, len(f.forms))
	}
}

func TestApp_AnswerInAnotherBrowser(t *testing.T) {
	f := newFake(t)
	q := url.Values{"state": {f.connect(t).Get("state")}, "iss": {f.URL}, "code": {"code-1"}}
	f.browser.Jar, _ = cookiejar.New(nil)
	if got := f.callback(t, q); got.status != http.StatusBadRequest || len(f.forms) != 0 {
		t.Errorf("callback = %d with %d token requests, want 400 and none", got.status, len(f.forms))
	}
}

func TestApp_TabsAreIndependent(t *testing.T) {
	f := newFake(t)
	first, second := f.connect(t), f.connect(t)
	for _, asked := range []url.Values{second, first} {
		if got := f.callback(t, url.Values{"state": {asked.Get("state")}, "iss": {f.URL}, "code": {"c"}}); got.location != "/demo/connected" {
			t.Errorf("callback = %d, want both tabs to get through", got.status)
		}
	}
}

func TestApp_RefusedCode(t *testing.T) {
	f := newFake(t)
	f.refuse = "invalid_grant"
	got := f.callback(t, url.Values{"state": {f.connect(t).Get("state")}, "iss": {f.URL}, "code": {"c"}})
	if got.status != http.StatusBadGateway || !strings.Contains(got.text, "invalid_grant") || !strings.Contains(got.text, "as told") {
		t.Errorf("callback = %d, want 502 and the server's words:\n%s", got.status, got.text)
	}
}

func TestApp_MetadataOfAnotherIssuer(t *testing.T) {
	f := newFake(t)
	f.issuer = "https://evil.example"
	if got := f.visit(t, http.MethodGet, "/demo/connect"); got.status != http.StatusBadGateway || got.location != "" {
		t.Errorf("connect = %d to %q, want 502 (RFC 8414 §3.3)", got.status, got.location)
	}
}

func TestApp_Buttons(t *testing.T) {
	f := newFake(t)
	f.connected(t)
	same := []string{"Sec-Fetch-Site", "same-origin"}
	press := func(name, want string) {
		t.Helper()
		if got := f.visit(t, http.MethodPost, "/demo/"+name, same...); got.status != http.StatusSeeOther {
			t.Fatalf("%s = %d, want a redirect to the page", name, got.status)
		}
		if page := f.visit(t, http.MethodGet, "/demo/connected"); !strings.Contains(page.text, want) {
			t.Errorf("after %s the page does not say %q:\n%s", name, want, page.text)
		}
	}
	press("orders", `"path": "/api/orders"`)
	press("service", `"path": "/api/service"`)
	press("refresh", "A new pair of tokens")
	if form := f.forms[len(f.forms)-1]; form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "refresh-1" || form.Get("client_id") != "demo-web" {
		t.Errorf("refresh sent %v", form)
	}
	f.refuse = "invalid_grant"
	press("steal", "The stolen code is worth nothing")
	if first, again := f.forms[0], f.forms[len(f.forms)-1]; again.Encode() != first.Encode() {
		t.Errorf("the thief sent %v, want what the application had sent, %v", again, first)
	}
	press("refresh", "The refresh token is refused")
	f.unauth = true
	press("orders", "The access token is refused")

	f.visit(t, http.MethodPost, "/demo/forget", same...)
	if got := f.visit(t, http.MethodGet, "/demo/connected"); got.location != "/demo" {
		t.Errorf("after forgetting: %d to %q, want the first page", got.status, got.location)
	}
}

// Two tours on one host, at two ports, keep their cookies apart.
func TestApp_FR_21_TwoTours(t *testing.T) {
	f, g := newFake(t), newFake(t)
	g.browser = f.browser
	f.connected(t)
	g.connected(t)
	for _, tour := range []*fake{f, g} {
		if got := tour.visit(t, http.MethodGet, "/demo/connected"); got.status != http.StatusOK {
			t.Errorf("%s: after connecting two tours the page is %d to %q, want both connected", tour.URL, got.status, got.location)
		}
	}
}

func TestApp_FR_22_ButtonsOfAnotherSite(t *testing.T) {
	f := newFake(t)
	f.connected(t)
	if got := f.visit(t, http.MethodPost, "/demo/refresh", "Origin", "null"); got.status != http.StatusForbidden || len(f.forms) != 1 {
		t.Errorf("refresh by an older browser without the form's token = %d with %d token requests, want 403 and 1", got.status, len(f.forms))
	}
	_, token, _ := strings.Cut(f.visit(t, http.MethodGet, "/demo/connected").text, `name="form_token" value="`)
	token, _, _ = strings.Cut(token, `"`)
	if got := f.visit(t, http.MethodPost, "/demo/orders?form_token="+token, "Origin", "null"); got.status != http.StatusForbidden {
		t.Errorf("orders with the token in the query = %d, want 403: it has to be in the form", got.status)
	}
	got := f.visit(t, http.MethodPost, "/demo/refresh", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	if got.status != http.StatusForbidden || len(f.forms) != 1 {
		t.Errorf("refresh from another site = %d with %d token requests, want 403 and 1", got.status, len(f.forms))
	}
}

func TestApp_C7_FaultsLogNoSecret(t *testing.T) {
	f := newFake(t)
	asked := f.connect(t)
	f.cut = true
	got := f.callback(t, url.Values{"state": {asked.Get("state")}, "iss": {f.URL}, "code": {"canary-code"}})
	if got.status != http.StatusBadGateway || !strings.Contains(got.text, "The server doesn’t respond") {
		t.Errorf("callback = %d, want 502 and a page that says why:\n%s", got.status, got.text)
	}
	log := f.log.String()
	if !strings.Contains(log, "can't reach the server") {
		t.Errorf("the log does not tell of it:\n%s", log)
	}
	for _, secret := range []string{"canary-code", asked.Get("state"), "code_verifier"} {
		if strings.Contains(log, secret) || strings.Contains(got.text, secret) {
			t.Errorf("log or page hold %q:\n%s\n%s", secret, log, got.text)
		}
	}
}
