package jsonapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

const (
	noName      = "The name field is required."
	noText      = "The name field must be a string."
	noRedirect  = "The redirect field is required."
	noURIText   = "The redirect field must be a string."
	noBoolean   = "The confidential field must be true or false."
	noArray     = "The scopes field must be an array."
	noSuchScope = "The selected scopes is invalid."
)

// invalid is the body of a 422 with these fields and texts.
func invalid(fields ...[]string) string {
	total := -len(fields) - 1
	var b strings.Builder
	for i, f := range fields {
		total += len(f)
		texts, _ := json.Marshal(f[1:])
		fmt.Fprintf(&b, "%s%q:%s", map[bool]string{true: ","}[i > 0], f[0], texts)
	}
	message := fields[0][1]
	switch total {
	case 0:
	case 1:
		message += " (and 1 more error)"
	default:
		message += fmt.Sprintf(" (and %d more errors)", total)
	}
	return fmt.Sprintf(`{"message":%q,"errors":{%s}}`, message, &b)
}

// The responses to nulls, wrong types and combinations are those of Laravel's validator,
// except where Laravel Passport fails with 500.
func TestJSONAPI_FR_53_AsLaravelValidates(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	client := b.Create("App", "https://example.com/cb")["id"].(string)
	const ok = `"name":"App","redirect":"https://example.com/cb"`
	name, redirect := []string{"name", noName}, []string{"redirect", noRedirect}
	for _, tt := range []struct{ method, path, body, want string }{
		{"POST", "/oauth/clients", `{` + ok + `,"confidential":null}`, invalid([]string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{` + ok + `,"confidential":""}`, invalid([]string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{` + ok + `,"confidential":"  "}`, invalid([]string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{` + ok + `,"confidential":[]}`, invalid([]string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{` + ok + `,"confidential":"true"}`, invalid([]string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{"confidential":null}`, invalid(name, redirect, []string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{"name":null,"redirect":null,"confidential":null}`, invalid(name, redirect, []string{"confidential", noBoolean})},
		{"POST", "/oauth/clients", `{"name":[],"redirect":{}}`, invalid(name, redirect)},
		{"POST", "/oauth/clients", `{"name":["x"],"redirect":[]}`, invalid([]string{"name", noText}, redirect)},
		{"POST", "/oauth/clients", `{"name":null,"redirect":["x"]}`, invalid(name, []string{"redirect", noURIText})},
		{"POST", "/oauth/clients", `[]`, invalid(name, redirect)},
		{"POST", "/oauth/clients", `null`, invalid(name, redirect)},
		{"POST", "/oauth/clients", ``, invalid(name, redirect)},
		{"PUT", "/oauth/clients/" + client, `{"name":null,"redirect":null,"confidential":null}`, invalid(name, redirect)},
		{"PUT", "/oauth/clients/" + client, `{"name":{},"redirect":""}`, invalid(name, redirect)},
		{"PUT", "/oauth/clients/" + client, `{"name":"App"}`, invalid(redirect)},

		{"POST", personalPath, `{"name":"x","scopes":"x"}`, invalid([]string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":"*"}`, invalid([]string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":7}`, invalid([]string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":true}`, invalid([]string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":false}`, invalid([]string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":"read"}`, invalid([]string{"scopes", noArray})},
		{"POST", personalPath, `{"name":"x","scopes":[null]}`, invalid([]string{"scopes", noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":["read","x","y"]}`, invalid([]string{"scopes", noSuchScope})},
		{"POST", personalPath, `{"name":"x","scopes":[["read"]]}`, invalid([]string{"scopes", noSuchScope})},
		{"POST", personalPath, `{"scopes":"x"}`, invalid(name, []string{"scopes", noArray, noSuchScope})},
		{"POST", personalPath, `{"name":[],"scopes":["x"]}`, invalid(name, []string{"scopes", noSuchScope})},
		{"POST", personalPath, `{"name":null,"scopes":null}`, invalid(name)},
	} {
		r := b.Request(tt.method, tt.path)
		r.Header.Set("Content-Type", "application/json")
		got := b.Sent(withBody(r, tt.body))
		if got.Status != 422 || strings.TrimSpace(got.Body) != tt.want {
			t.Errorf("%s %s with %s =\n%d %s\nwant\n422 %s", tt.method, tt.path, tt.body, got.Status, got.Body, tt.want)
		}
	}
	for _, tt := range []struct{ path, body string }{
		{"/oauth/clients", `{` + ok + `}`}, {"/oauth/clients", `{` + ok + `,"confidential":"0"}`}, {"/oauth/clients", `{` + ok + `,"confidential":1}`},
		{personalPath, `{"name":"x"}`}, {personalPath, `{"name":"x","scopes":null}`}, {personalPath, `{"name":"x","scopes":[]}`}, {personalPath, `{"name":"x","scopes":["read","read"]}`},
	} {
		r := b.Request("POST", tt.path)
		r.Header.Set("Content-Type", "application/json")
		if got := b.Sent(withBody(r, tt.body)); got.Status/100 != 2 {
			t.Errorf("POST %s with %s = %d %s, want a success", tt.path, tt.body, got.Status, got.Body)
		}
	}
}

// withBody returns r with a different body.
func withBody(r *http.Request, body string) *http.Request {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return r
}

// The same rules hold for a form.
func TestJSONAPI_FR_53_Forms(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for _, tt := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/oauth/clients", url.Values{"name": {"App"}, "redirect": {"https://example.com/cb"}, "confidential": {""}}, invalid([]string{"confidential", noBoolean})},
		{personalPath, url.Values{"name": {"x"}, "scopes": {"x"}}, invalid([]string{"scopes", noArray, noSuchScope})},
		{personalPath, url.Values{"name[]": {"x"}, "scopes[]": {""}}, invalid([]string{"name", noText}, []string{"scopes", noSuchScope})},
	} {
		r := b.Request("POST", tt.path)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := b.Sent(withBody(r, tt.form.Encode())); got.Status != 422 || strings.TrimSpace(got.Body) != tt.want {
			t.Errorf("POST %s with %v =\n%d %s\nwant\n422 %s", tt.path, tt.form, got.Status, got.Body, tt.want)
		}
	}
}
