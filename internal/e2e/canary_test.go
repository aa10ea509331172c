package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// canaries collects every secret that a test sends or receives, by kind. The
// server's log must have none of them.
type canaries struct {
	mu    sync.Mutex
	found map[string][]string // kind: values
}

// public are parameters of forms and URLs that aren't secrets.
var public = []string{
	"client_id", "redirect_uri", "scope", "response_type", "grant_type", "code_challenge", "code_challenge_method", "prompt", "resource",
	"iss", "error", "error_description", "return_to", "email", "username", "decision", "client", "token_id", "name", "date",
}

func (c *canaries) add(kind, value string) {
	if len(value) < 12 {
		return // our secrets are longer; only the tour's password is that short, and it is public
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		c.found = map[string][]string{}
	}
	if !slices.Contains(c.found[kind], value) {
		c.found[kind] = append(c.found[kind], value)
	}
}

// kinds returns the number of secrets of each kind.
func (c *canaries) kinds() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for kind, values := range c.found {
		n[kind] = len(values)
	}
	return n
}

// form adds the secrets of a query or of a form's body.
func (c *canaries) form(values url.Values) {
	for name, all := range values {
		if !slices.Contains(public, name) {
			for _, value := range all {
				c.add(name, value)
			}
		}
	}
}

func (c *canaries) url(text string) {
	if u, err := url.Parse(text); err == nil {
		c.form(u.Query())
	}
}

// cookies adds the values of Set-Cookie headers.
func (c *canaries) cookies(lines []string) {
	for _, line := range lines {
		if cookie, err := http.ParseSetCookie(line); err == nil {
			c.add("cookie", cookie.Value)
		}
	}
}

// tokens adds the secrets of a token response. It adds the signature separately,
// because a log with only the signature would identify the token.
func (c *canaries) tokens(body []byte) {
	var res struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &res) != nil {
		return
	}
	c.add("access_token", res.AccessToken)
	if i := strings.LastIndexByte(res.AccessToken, '.'); i > 0 {
		c.add("access_token", res.AccessToken[i+1:])
	}
	c.add("refresh_token", res.RefreshToken)
}

var hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
var hiddenValue = regexp.MustCompile(`value="([^"]*)"`)
var hiddenName = regexp.MustCompile(`name="([^"]*)"`)

// page adds the hidden fields of a page's forms.
func (c *canaries) page(body []byte) {
	for _, input := range hidden.FindAll(body, -1) {
		name, value := hiddenName.FindSubmatch(input), hiddenValue.FindSubmatch(input)
		if name != nil && value != nil && !slices.Contains(public, string(name[1])) {
			c.add(string(name[1]), string(value[1]))
		}
	}
}

// check fails the test for every secret in a log.
func (c *canaries) check(t *testing.T, what, log string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, values := range c.found {
		for _, value := range values {
			if strings.Contains(log, value) || strings.Contains(log, url.QueryEscape(value)) {
				t.Errorf("%s contains a secret, a %s:\n%s", what, kind, lineWith(log, value))
			}
		}
	}
}

func lineWith(log, value string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, value) || strings.Contains(line, url.QueryEscape(value)) {
			return line
		}
	}
	return ""
}

// transport collects canaries from the requests and responses of a Go client.
type transport struct {
	*canaries
	next http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.url(r.URL.String())
	if _, secret, ok := r.BasicAuth(); ok {
		t.add("client_secret", secret)
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		if values, err := url.ParseQuery(string(body)); err == nil {
			t.form(values)
		}
	}
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	t.cookies(res.Header.Values("Set-Cookie"))
	t.url(res.Header.Get("Location"))
	t.tokens(body)
	t.page(body)
	return res, nil
}
