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

// canaries collects every secret that crosses the wire in a test, by kind. None
// of them may be in the server's log.
type canaries struct {
	mu    sync.Mutex
	found map[string][]string // kind: values
}

// public are parameters of forms and URLs that are no secrets.
var public = []string{
	"client_id", "redirect_uri", "scope", "response_type", "grant_type", "code_challenge", "code_challenge_method", "prompt", "resource",
	"iss", "error", "error_description", "return_to", "email", "username", "decision",
}

func (c *canaries) add(kind, value string) {
	if len(value) < 12 {
		return // no secret of ours is that short; the tour's password is, and no secret
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

// kinds returns what kinds of secrets were seen.
func (c *canaries) kinds() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for kind, values := range c.found {
		n[kind] = len(values)
	}
	return n
}

// form takes the secrets of a query or of the body of a form.
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

// cookies takes the values of a Set-Cookie header.
func (c *canaries) cookies(lines []string) {
	for _, line := range lines {
		if cookie, err := http.ParseSetCookie(line); err == nil {
			c.add("cookie", cookie.Value)
		}
	}
}

// tokens takes those of a token response. The signature alone would be enough
// to recognise a token by, so it is one too.
func (c *canaries) tokens(body []byte) {
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	c.add("access_token", answer.AccessToken)
	if i := strings.LastIndexByte(answer.AccessToken, '.'); i > 0 {
		c.add("access_token", answer.AccessToken[i+1:])
	}
	c.add("refresh_token", answer.RefreshToken)
}

var hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
var hiddenValue = regexp.MustCompile(`value="([^"]*)"`)
var hiddenName = regexp.MustCompile(`name="([^"]*)"`)

// page takes what is hidden in the forms of a page.
func (c *canaries) page(body []byte) {
	for _, input := range hidden.FindAll(body, -1) {
		name, value := hiddenName.FindSubmatch(input), hiddenValue.FindSubmatch(input)
		if name != nil && value != nil && !slices.Contains(public, string(name[1])) {
			c.add(string(name[1]), string(value[1]))
		}
	}
}

// check fails the test for every secret that stands in a log.
func (c *canaries) check(t *testing.T, what, log string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, values := range c.found {
		for _, value := range values {
			if strings.Contains(log, value) || strings.Contains(log, url.QueryEscape(value)) {
				t.Errorf("%s holds a secret, a %s:\n%s", what, kind, lineWith(log, value))
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

// transport collects canaries from what a client in Go sends and gets.
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
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	t.cookies(answer.Header.Values("Set-Cookie"))
	t.url(answer.Header.Get("Location"))
	t.tokens(body)
	t.page(body)
	return answer, nil
}
