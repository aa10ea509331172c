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

// callback is where the clients of a cluster want codes sent.
const callback = "https://app.example.com/callback"

// A granted is what the token endpoint answered.
type granted struct {
	status       int
	err          error  // nobody answered
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
	retryAfter   string
	node         *node
	began, ended time.Time
}

// grant asks the node for tokens. It may be called from any goroutine.
func (n *node) grant(c client, form url.Values) *granted {
	g := &granted{node: n, began: time.Now()}
	defer func() { g.ended = time.Now() }()
	r, err := http.NewRequest(http.MethodPost, n.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return &granted{err: err, node: n}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ID, c.Secret)
	answer, err := n.client.Do(r)
	if err != nil {
		g.err = err
		return g
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(body, g)
	}
	g.status, g.err, g.retryAfter = answer.StatusCode, err, answer.Header.Get("Retry-After")
	return g
}

func (g *granted) ok() bool {
	return g.err == nil && g.status == http.StatusOK && g.AccessToken != ""
}

// refresh asks for new tokens as whoever got these would.
func (n *node) refreshing(c client, refreshToken string) *granted {
	return n.grant(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
}

// must fails the test unless tokens were answered.
func (g *granted) must(t *testing.T) *granted {
	t.Helper()
	if !g.ok() {
		t.Fatalf("%s answers %d %s (%v), want tokens", g.node.name, g.status, g.Error, g.err)
	}
	return g
}

// guarded returns the status with which the API beside the node answers a token.
func (n *node) guarded(path, token string) int {
	r, err := http.NewRequest(http.MethodGet, n.URL+path, nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := n.client.Do(r)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

const userPath = "/app/user"

// wantGuarded looks at what each node's API answers a token.
func (c *cluster) wantGuarded(t *testing.T, token string, want int, when string) {
	t.Helper()
	for _, n := range c.nodes {
		if got := n.guarded(userPath, token); got != want {
			t.Errorf("%s: the API at %s answers %d, want %d", when, n.name, got, want)
		}
	}
}

// account makes an account with [userPassword] and returns its ID.
func (c *cluster) account(t *testing.T, email string) string {
	t.Helper()
	c.canaries.add("password", userPassword)
	u, err := c.nodes[0].app.accounts.Create(t.Context(), account.NewUser{Email: email, Name: "Ada", Password: userPassword})
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// browser returns a browser whose requests this node answers: a new one, or the one
// with these cookies.
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

// cookies are those that the browser sends to the server.
func (a *agent) cookies() []*http.Cookie { return a.http.Jar.Cookies(a.origin()) }

func (a *agent) cookie(name string) string {
	for _, cookie := range a.cookies() {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// keep puts cookies back that the server took away.
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

// signedIn returns a browser at the node in which somebody is signed in.
func (n *node) signedIn(t *testing.T, email string) *agent {
	t.Helper()
	a := n.browser(t, nil)
	a.signIn(a.get(n.URL+"/sign-in"), email, userPassword)
	return a
}

// An asking is a request for a code, and what redeems it.
type asking struct {
	url      string
	verifier string
}

func (c *cluster) ask(client client, options ...oauth2.AuthCodeOption) asking {
	a := asking{verifier: oauth2.GenerateVerifier()}
	c.canaries.add("code_verifier", a.verifier)
	config := oauth2.Config{ClientID: client.ID, RedirectURL: callback, Endpoint: oauth2.Endpoint{AuthURL: c.issuer + "/oauth/authorize"}, Scopes: []string{"check-status"}}
	a.url = config.AuthCodeURL("state-of-a-request", append(options, oauth2.S256ChallengeOption(a.verifier))...)
	return a
}

// form is what redeems the code with which the browser was sent away.
func (a asking) form(p page) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {p.Away.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {a.verifier}}
}

// code has the browser allow, on a page or because it did before, and returns what
// redeems the code.
func (c *cluster) code(t *testing.T, a *agent, client client) url.Values {
	t.Helper()
	asking := c.ask(client)
	p := a.get(asking.url)
	if p.Away == nil {
		p = a.submit(p, "Allow", nil)
	}
	if p.Away == nil || p.Away.Query().Get("code") == "" {
		t.Fatalf("allowing leads to no code but to status %d, %v:\n%s", p.status, p.Away, p.text(t))
	}
	return asking.form(p)
}

// connected is a client with tokens of a user, who allowed at one node while the
// code was redeemed at the next.
func (c *cluster) connected(t *testing.T, a *agent, client client) *granted {
	t.Helper()
	return c.nodes[1].grant(client, c.code(t, a, client)).must(t)
}
