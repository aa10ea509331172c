// Package try gets tokens from an example and uses them, in process and without
// sockets.
package try

import (
	"crypto/rand"
	"encoding/json"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/examples/shop"
	"github.com/go-passport/passport/oauth"
)

// Machines checks that /api/stock requires a client's own token.
func Machines(t *testing.T, app http.Handler, auth *passport.Server) {
	t.Helper()
	client := register(t, auth, passport.Registration{Name: "Robot", GrantTypes: []string{"client_credentials"}})
	token := exchange(t, app, client, url.Values{"grant_type": {"client_credentials"}})

	wantStatus(t, get(app, "/api/stock", ""), http.StatusUnauthorized)
	if header := get(app, "/api/stock", "").Header.Get("WWW-Authenticate"); header != `Bearer realm="api", resource_metadata="`+shop.Issuer+`/.well-known/oauth-protected-resource"` {
		t.Errorf("without a token the challenge is %q, want one without an error (RFC 6750 §3.1)", header)
	}
	wantStatus(t, get(app, "/api/stock", token+"x"), http.StatusUnauthorized)
	wantStatus(t, get(app, "/api/stock", token), http.StatusOK)
	if app := get(app, "/api/orders", token); app.StatusCode == http.StatusOK {
		t.Error("a machine's token is admitted at /api/orders, which is for customers")
	}
	jsonAPI(t, app, token)
	if err := auth.RevokeClient(t.Context(), client.Client.ID); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, get(app, "/api/stock", token), http.StatusUnauthorized)
}

// jsonAPI checks that the router passes the paths of the JSON API to the server.
// They require a signed-in user and accept no token.
func jsonAPI(t *testing.T, app http.Handler, token string) {
	t.Helper()
	for request, want := range map[string]int{
		"GET /oauth/clients": 401, "POST /oauth/clients": 401, "PUT /oauth/clients/7": 401, "DELETE /oauth/clients/7": 401,
		"GET /oauth/tokens": 401, "DELETE /oauth/tokens/7": 401, "GET /oauth/scopes": 401, "POST /oauth/personal-access-tokens": 401,
		"PATCH /oauth/clients/7": 405, "POST /oauth/scopes": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, shop.Issuer+path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if w.Code != want || !strings.Contains(w.Body.String(), `{"message":`) {
			t.Errorf("%s = %d %s, want %d and a message in JSON", request, w.Code, w.Body, want)
		}
	}
}

// Customers checks that a customer can sign in, consent and connect an app, and
// that /api/orders admits its token.
func Customers(t *testing.T, app http.Handler, auth *passport.Server, path string, scopes ...string) {
	t.Helper()
	const callback = "https://tracker.example.com/callback"
	client := register(t, auth, passport.Registration{Name: "Order Tracker", AuthMethod: oauth.AuthNone, RedirectURIs: []string{callback}})
	verifier := oauth2.GenerateVerifier()
	config := oauth2.Config{
		ClientID: client.Client.ID, RedirectURL: callback, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: shop.Issuer + "/oauth/authorize", TokenURL: shop.Issuer + "/oauth/token"},
	}
	state := rand.Text()
	back := walk(t, app, config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)), callback)
	if back.Get("state") != state || back.Get("iss") != shop.Issuer || back.Get("code") == "" {
		t.Fatalf("the redirect has %v, want a code, the state and the issuer", back)
	}
	token := exchange(t, app, client, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client.Client.ID}, "redirect_uri": {callback},
		"code": {back.Get("code")}, "code_verifier": {verifier},
	})
	wantStatus(t, get(app, path, token), http.StatusOK)
	wantStatus(t, get(app, "/api/stock", token), http.StatusForbidden)
}

func register(t *testing.T, auth *passport.Server, reg passport.Registration) *passport.NewClient {
	t.Helper()
	client, err := auth.CreateClient(t.Context(), reg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// exchange returns an access token from the token endpoint.
func exchange(t *testing.T, app http.Handler, client *passport.NewClient, form url.Values) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, shop.Issuer+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(client.Client.ID), url.QueryEscape(client.Secret))
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || tokens.AccessToken == "" {
		t.Fatalf("token response = %d %s, want an access token", w.Code, w.Body)
	}
	return tokens.AccessToken
}

func get(app http.Handler, path, bearer string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, shop.Issuer+path, nil)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w.Result()
}

func wantStatus(t *testing.T, res *http.Response, want int) {
	t.Helper()
	if res.StatusCode != want {
		t.Errorf("status = %d, want %d", res.StatusCode, want)
	}
}

// inProcess is a RoundTripper that calls a handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

var (
	form   = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	moveOn = regexp.MustCompile(`http-equiv="refresh" content="[^"]*url=([^"]*)"`)
)

// walk acts as a customer's browser: it follows redirects, signs in and consents,
// until it is redirected to the client. It returns the parameters of that redirect.
func walk(t *testing.T, app http.Handler, address, callback string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{
		Jar: jar, Transport: inProcess{app},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	next, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		res, err := browser.Do(next)
		if err != nil {
			t.Fatal(err)
		}
		body := read(t, res)
		to := res.Header.Get("Location")
		if m := moveOn.FindStringSubmatch(body); m != nil {
			to = html.UnescapeString(m[1])
		}
		if strings.HasPrefix(to, callback) {
			return queryOf(t, to)
		}
		next = step(t, next.URL, to, body)
	}
	t.Fatal("too many redirects before the client's redirect URI")
	return nil
}

// step returns the next request: to the target of a redirect, or with the page's
// filled-in form.
func step(t *testing.T, from *url.URL, to, body string) *http.Request {
	t.Helper()
	if to != "" {
		target, err := from.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodGet, target.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	action := form.FindStringSubmatch(body)
	if action == nil {
		t.Fatalf("the page has no form: %s", body)
	}
	values := url.Values{"customer": {"1"}, "email": {"ada@example.com"}, "password": {"correct horse"}, "decision": {"allow"}}
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		values.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	target, err := from.Parse(html.UnescapeString(action[1]))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}
