package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/account"
	"golang.org/x/oauth2"
)

// callback is the redirect URI of the cluster's clients.
const callback = "https://app.example.com/callback"

// granted is a response of the token endpoint.
type granted struct {
	status       int
	err          error  // the request had no response
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
	retryAfter   string
	node         *node
	began, ended time.Time
}

// grant sends a token request to the node. It is safe for concurrent use.
func (n *node) grant(c client, form url.Values) *granted {
	g := &granted{node: n, began: time.Now()}
	defer func() { g.ended = time.Now() }()
	r, err := http.NewRequest(http.MethodPost, n.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return &granted{err: err, node: n}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ID, c.Secret)
	res, err := n.client.Do(r)
	if err != nil {
		g.err = err
		return g
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(body, g)
	}
	g.status, g.err, g.retryAfter = res.StatusCode, err, res.Header.Get("Retry-After")
	return g
}

func (g *granted) ok() bool {
	return g.err == nil && g.status == http.StatusOK && g.AccessToken != ""
}

// refresh sends a token request with the refresh token of g.
func (n *node) refreshing(c client, refreshToken string) *granted {
	return n.grant(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
}

// must fails the test unless the response has tokens.
func (g *granted) must(t *testing.T) *granted {
	t.Helper()
	if !g.ok() {
		t.Fatalf("token response of %s = %d %s (%v), want tokens", g.node.name, g.status, g.Error, g.err)
	}
	return g
}

// guarded returns the status of the API beside the node for a token.
func (n *node) guarded(path, token string) int {
	r, err := http.NewRequest(http.MethodGet, n.URL+path, nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := n.client.Do(r)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

const userPath = "/app/user"

// wantGuarded checks the status of each node's API for a token.
func (c *cluster) wantGuarded(t *testing.T, token string, want int, when string) {
	t.Helper()
	for _, n := range c.nodes {
		if got := n.guarded(userPath, token); got != want {
			t.Errorf("%s: the API at %s = %d, want %d", when, n.name, got, want)
		}
	}
}

// account creates an account with [userPassword] and returns its ID.
func (c *cluster) account(t *testing.T, email string) string {
	t.Helper()
	c.canaries.add("password", userPassword)
	u, err := c.nodes[0].app.accounts.Create(t.Context(), account.NewUser{Email: email, Name: "Ada", Password: userPassword})
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// browser returns a browser that sends its requests to this node, with the
// cookies in jar if it is not nil.
func (n *node) browser(t *testing.T, jar http.CookieJar) *agent {
	t.Helper()
	if jar == nil {
		var err error
		if jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
	}
	a := newAgent(t, n.server)
	a.http.Jar, a.http.Transport = jar, transport{n.canaries, n}
	return a
}

// cookies returns the cookies that the browser sends to the server.
func (a *agent) cookies() []*http.Cookie { return a.http.Jar.Cookies(a.origin()) }

func (a *agent) cookie(name string) string {
	for _, cookie := range a.cookies() {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// keep restores cookies that the server deleted.
func (a *agent) keep(cookies []*http.Cookie) { a.http.Jar.SetCookies(a.origin(), cookies) }

func (a *agent) origin() *url.URL {
	u, err := url.Parse(a.server.URL + "/")
	if err != nil {
		a.t.Fatal(err)
	}
	return u
}

// at returns the same browser at another node.
func (a *agent) at(n *node) *agent { return n.browser(a.t, a.http.Jar) }

// signedIn returns a browser at the node in which the user is signed in.
func (n *node) signedIn(t *testing.T, email string) *agent {
	t.Helper()
	a := n.browser(t, nil)
	a.signIn(a.get(n.URL+"/sign-in"), email, userPassword)
	return a
}

// codeRequest is an authorization request with its code verifier.
type codeRequest struct {
	url      string
	verifier string
}

func (c *cluster) codeRequest(client client, options ...oauth2.AuthCodeOption) codeRequest {
	a := codeRequest{verifier: oauth2.GenerateVerifier()}
	c.canaries.add("code_verifier", a.verifier)
	config := oauth2.Config{ClientID: client.ID, RedirectURL: callback, Endpoint: oauth2.Endpoint{AuthURL: c.issuer + "/oauth/authorize"}, Scopes: []string{"check-status"}}
	a.url = config.AuthCodeURL("state-of-a-request", append(options, oauth2.S256ChallengeOption(a.verifier))...)
	return a
}

// form returns the form that redeems the code in the redirect.
func (a codeRequest) form(p page) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {p.Away.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {a.verifier}}
}

// code gets a code in the browser, with consent if the server asks for it, and
// returns the form that redeems the code.
func (c *cluster) code(t *testing.T, a *agent, client client) url.Values {
	t.Helper()
	req := c.codeRequest(client)
	p := a.get(req.url)
	if p.Away == nil {
		p = a.submit(p, "Allow", nil)
	}
	if p.Away == nil || p.Away.Query().Get("code") == "" {
		t.Fatalf("allowing returned no code but status %d, %v:\n%s", p.status, p.Away, p.text(t))
	}
	return req.form(p)
}

// connected returns tokens of a user for a client. The consent is at one node,
// and the next node redeems the code.
func (c *cluster) connected(t *testing.T, a *agent, client client) *granted {
	t.Helper()
	return c.nodes[1].grant(client, c.code(t, a, client)).must(t)
}
