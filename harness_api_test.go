package passport_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
)

// ask sends what a script of the application's own page sends with axios: a body,
// if there is one, as JSON. It checks what every answer of the JSON API has.
func (b *browser) ask(method, path string, body ...any) *answer {
	b.t.Helper()
	return b.sent(b.request(method, path, body...))
}

// request is what ask sends.
func (b *browser) request(method, path string, body ...any) *http.Request {
	b.t.Helper()
	text := ""
	if len(body) > 0 {
		encoded, err := json.Marshal(body[0])
		if err != nil {
			b.t.Fatal(err)
		}
		text = string(encoded)
	}
	r := httptest.NewRequest(method, b.server.config.Issuer+path, strings.NewReader(text))
	r.Header.Set("Accept", "application/json, text/plain, */*")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != "GET" && method != "HEAD" {
		r.Header.Set("Origin", strings.TrimSuffix(b.origin().String(), "/"))
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// sent sends a request to the JSON API with the cookies of the browser.
func (b *browser) sent(r *http.Request) *answer {
	b.t.Helper()
	for _, c := range b.jar.Cookies(b.origin()) {
		r.AddCookie(c)
	}
	a := b.server.do(r)
	a.t, a.from = b.t, b
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			b.t.Errorf("%s %s: the answer has the CORS header %s", r.Method, r.URL.Path, name)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("X-Request-Id") == "" {
		b.t.Errorf("%s %s: the answer may be stored or sniffed, or cannot be found in the log: %v", r.Method, r.URL.Path, a.header)
	}
	if media := a.header.Get("Content-Type"); (media == "application/json") != (a.body != "") || media != "" && media != "application/json" {
		b.t.Errorf("%s %s: the answer has the type %q and %d bytes", r.Method, r.URL.Path, media, len(a.body))
	}
	return a
}

// want fails unless the answer has this status and, byte by byte, this body.
func (a *answer) want(status int, body string) *answer {
	a.t.Helper()
	if got := strings.TrimSuffix(a.body, "\n"); a.status != status || got != body {
		a.t.Errorf("the answer is\n%d %s\nwant\n%d %s", a.status, got, status, body)
	}
	return a
}

// wantInvalid fails unless the answer is 422 with this message, and these fields
// have this as their first error: pairs of name and text.
func (a *answer) wantInvalid(message string, pairs ...string) *answer {
	a.t.Helper()
	var got struct {
		Message string              `json:"message"`
		Errors  map[string][]string `json:"errors"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 422 || got.Message != message || len(got.Errors) != len(pairs)/2 {
		a.t.Errorf("want 422 with %q and %d fields, got %d %s", message, len(pairs)/2, a.status, a.body)
		return a
	}
	for i := 0; i < len(pairs); i += 2 {
		if texts := got.Errors[pairs[i]]; len(texts) == 0 || texts[0] != pairs[i+1] {
			a.t.Errorf("errors.%s is %q, want %q", pairs[i], texts, pairs[i+1])
		}
	}
	return a
}

// list returns the objects of a JSON array.
func (a *answer) list() (items []map[string]any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), &items); err != nil || a.status != 200 || items == nil {
		a.t.Fatalf("want a list, got %d %s", a.status, a.body)
	}
	return items
}

// idsIn returns the IDs of a list.
func (a *answer) idsIn() (ids []string) {
	a.t.Helper()
	for _, item := range a.list() {
		ids = append(ids, fmt.Sprint(item["id"]))
	}
	return ids
}

// numbers makes IDs numbers, as they are in an application that has always had
// them.
func numbers(c *passport.Config) { c.ClientIDs, c.NumericUserIDs = passport.Integers, true }

// users replaces the accounts.
func (s *server) withAccounts(ids ...string) *server {
	for _, id := range ids {
		s.users.byID[id] = &passport.User{ID: id, Name: "Name of " + id, Data: &record{id}}
	}
	return s
}

// withStaff adds a second provider, and returns the server as its accounts see
// it: browsers of it sign in there.
func withStaff(t *testing.T, ids ...string) (s, staff *server) {
	clerks := newAccounts(ids...)
	s = newServer(t, func(c *passport.Config) { c.Providers = map[string]passport.UserProvider{"staff": clerks} })
	s.withAccounts(ids...)
	seen := *s
	seen.users = clerks
	return s, &seen
}

// create makes a client by the JSON API.
func (b *browser) create(name, redirect string) map[string]any {
	b.t.Helper()
	a := b.ask("POST", "/oauth/clients", map[string]any{"name": name, "redirect": redirect})
	if a.status != 201 {
		b.t.Fatalf("creating a client: %d %s", a.status, a.body)
	}
	return a.json()
}
