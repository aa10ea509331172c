package testkit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Ask sends a request like a script of the application's page that uses axios. The
// body, if any, is JSON. Ask checks the headers that every response of the JSON API
// must have.
func (b *Browser) Ask(method, path string, body ...any) *Response {
	b.T.Helper()
	return b.Sent(b.Request(method, path, body...))
}

// Request returns the request that Ask sends.
func (b *Browser) Request(method, path string, body ...any) *http.Request {
	b.T.Helper()
	text := ""
	if len(body) > 0 {
		encoded, err := json.Marshal(body[0])
		if err != nil {
			b.T.Fatal(err)
		}
		text = string(encoded)
	}
	r := httptest.NewRequest(method, b.Server.Config.Issuer+path, strings.NewReader(text))
	r.Header.Set("Accept", "application/json, text/plain, */*")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != "GET" && method != "HEAD" {
		r.Header.Set("Origin", strings.TrimSuffix(b.Origin().String(), "/"))
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// Sent sends a request to the JSON API with the browser's cookies.
func (b *Browser) Sent(r *http.Request) *Response {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(b.Origin()) {
		r.AddCookie(c)
	}
	a := b.Server.Do(r)
	a.T, a.From = b.T, b
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			b.T.Errorf("%s %s: the response has the CORS header %s", r.Method, r.URL.Path, name)
		}
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("X-Request-Id") == "" {
		b.T.Errorf("%s %s: want no-store, nosniff and a request ID, got %v", r.Method, r.URL.Path, a.Header)
	}
	if media := a.Header.Get("Content-Type"); (media == "application/json") != (a.Body != "") || media != "" && media != "application/json" {
		b.T.Errorf("%s %s: the response has the type %q and %d bytes", r.Method, r.URL.Path, media, len(a.Body))
	}
	return a
}

// Want fails the test unless the response has this status and exactly this
// body.
func (a *Response) Want(status int, body string) *Response {
	a.T.Helper()
	if got := strings.TrimSuffix(a.Body, "\n"); a.Status != status || got != body {
		a.T.Errorf("got\n%d %s\nwant\n%d %s", a.Status, got, status, body)
	}
	return a
}

// WantInvalid fails the test unless the response is 422 with this message and exactly
// these fields, each with this first error. pairs are field names and texts.
func (a *Response) WantInvalid(message string, pairs ...string) *Response {
	a.T.Helper()
	var got struct {
		Message string              `json:"message"`
		Errors  map[string][]string `json:"errors"`
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 422 || got.Message != message || len(got.Errors) != len(pairs)/2 {
		a.T.Errorf("want 422 with %q and %d fields, got %d %s", message, len(pairs)/2, a.Status, a.Body)
		return a
	}
	for i := 0; i < len(pairs); i += 2 {
		if texts := got.Errors[pairs[i]]; len(texts) == 0 || texts[0] != pairs[i+1] {
			a.T.Errorf("errors.%s = %q, want %q", pairs[i], texts, pairs[i+1])
		}
	}
	return a
}

// List returns the objects of a JSON array.
func (a *Response) List() (items []map[string]any) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &items); err != nil || a.Status != 200 || items == nil {
		a.T.Fatalf("want a list, got %d %s", a.Status, a.Body)
	}
	return items
}

// IDsIn returns the IDs of the objects in a JSON array.
func (a *Response) IDsIn() (ids []string) {
	a.T.Helper()
	for _, item := range a.List() {
		ids = append(ids, fmt.Sprint(item["id"]))
	}
	return ids
}

// Create registers a client through the JSON API.
func (b *Browser) Create(name, redirect string) map[string]any {
	b.T.Helper()
	a := b.Ask("POST", "/oauth/clients", map[string]any{"name": name, "redirect": redirect})
	if a.Status != 201 {
		b.T.Fatalf("create a client: %d %s", a.Status, a.Body)
	}
	return a.JSON()
}
