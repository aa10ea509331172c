package authorize_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Bad input gets a clear error and changes nothing. It is never logged as a server
// error.
func TestAuthorize_NeverRepeat_F10_BadInput(t *testing.T) {
	s := testkit.NewServer(t, audited)
	c := s.Web()
	values := map[string]string{
		"NUL": "a\x00b", "CR LF": "a\r\nSet-Cookie: x=y", "LF": "a\nb", "invalid UTF-8": "a\xff\xfeb", "a surrogate": "\xed\xa0\x80", "overlong": "\xc0\xaf",
		"300 bytes": strings.Repeat("a", 300), "5 KB": strings.Repeat("a", 5<<10), "5 KB of scopes": strings.Repeat("a ", 5<<9), "spaces": "   ",
		"a number": "-1", "a list": `["a","b"]`, "an object": `{"a":1}`, "a template": "{{.}}", "SQL": "' OR 1=1 --", "a path": "../../etc/passwd", "a format": "%s%n%d",
	}
	names := []string{
		"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt", "request", "request_uri",
		"response_mode", "resource", "passport_sign_in",
	}
	for what, value := range values {
		for _, name := range names {
			for _, key := range []string{name, name + "[a]"} {
				for _, b := range []*testkit.Browser{s.Browser(), s.Browser().SignIn("alice")} {
					params := c.Request()
					if key != name {
						params.Del(name)
					}
					params.Set(key, value)
					b.CheckBad(t, what+" as "+key, b.Get("/oauth/authorize?"+params.Encode()), c)
					b.CheckBad(t, what+" as "+key+" in a form", b.Send(b.NewRequest("POST", "/oauth/authorize", params.Encode(), nil)), c)
				}
			}
		}
	}
	if n := s.Issued(); n != 0 {
		t.Errorf("%d codes were issued", n)
	}
	log := s.Log.String()
	if strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "goroutine ") || strings.Contains(log, "panic") {
		t.Errorf("the log has bad input as a server error")
	}
	s.Redeem(c, s.Browser().SignIn("alice").Authorize(c).Allow().Code())
}

// Every body is read only up to a limit, regardless of its type.
func TestAuthorize_NeverRepeat_F10_Bodies(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	request := c.Request().Encode()
	for what, tt := range map[string]struct {
		contentType string
		body        io.Reader
		status      int
	}{
		"10 MB":               {"application/x-www-form-urlencoded", strings.NewReader(request + "&x=" + strings.Repeat("a", 10<<20)), 413},
		"10 MB of one ticket": {"application/x-www-form-urlencoded", strings.NewReader("decision=allow&ticket=" + strings.Repeat("a", 10<<20)), 413},
		"10 MB of parameters": {"application/x-www-form-urlencoded", strings.NewReader(request + strings.Repeat("&a=b", 10<<18)), 413},
		"20000 parameters":    {"application/x-www-form-urlencoded", strings.NewReader(request + strings.Repeat("&a", 20000)), 400},
		"an endless body":     {"application/x-www-form-urlencoded", io.MultiReader(strings.NewReader(request+"&x="), endless{}), 413},
		"a read error":        {"application/x-www-form-urlencoded", io.MultiReader(strings.NewReader(request), broken{}), 400},
		"JSON":                {"application/json", strings.NewReader(`{"client_id":"` + c.ID + `"}`), 400},
		"multipart":           {"multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\n" + c.ID + "\r\n--x--"), 400},
		"no type":             {"", strings.NewReader(request), 400},
		"an invalid type":     {"a/b; c=d; c=d;;", strings.NewReader(request), 400},
		"bad encoding":        {"application/x-www-form-urlencoded", strings.NewReader(request + "&x=%zz"), 200},
		"a bad known field":   {"application/x-www-form-urlencoded", strings.NewReader(request + "&prompt=%zz"), 400},
		"nothing":             {"application/x-www-form-urlencoded", http.NoBody, 400},
		"a form":              {"application/x-www-form-urlencoded; charset=UTF-8", strings.NewReader(request), 200},
	} {
		r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/authorize", tt.body)
		r.Header.Set("Content-Type", tt.contentType)
		a := b.Send(r)
		if a.Status != tt.status || a.Target() != "" || a.IsConsent() != (tt.status == 200) {
			t.Errorf("%s: status %d, want %d: %s", what, a.Status, tt.status, a)
		}
	}
	// The body of a GET is ignored.
	r := httptest.NewRequest("GET", testkit.Issuer+"/oauth/authorize?client_id="+url.QueryEscape(c.ID), strings.NewReader(request))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.Send(r).WantRedirectError("invalid_request")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// FuzzAuthorize sends requests with arbitrary parameters. The endpoint never fails,
// redirects only to the client or the sign-in page, and escapes everything that it
// shows (B9, B16).
func FuzzAuthorize(f *testing.F) {
	for _, seed := range [][9]string{
		{"web", "https://app.example.com/cb", "code", "read write", "state", "", "", "", ""},
		{"spa", "https://app.example.com/cb", "code", "", "", testkit.Challenge("v"), "S256", "none", "https://auth.example.com"},
		{"native", "http://127.0.0.1:8080/cb", "code", "read", "<script>", testkit.Challenge("v"), "S256", "login consent", ""},
		{"owned", "https://app.example.com/cb", "token", "x", "é\x00", "short", "plain", "none login", "a"},
		{"unknown", "https://evil.example/", "", "", "", "", "", "", ""},
		{"native", "http://[::1]@evil.example:80/cb", "code", `"\`, "\r\n", "", "", "", "//"},
		{"native", "http://[::1%25x]:1/cb", "code", "", "", "", "", "", ""},
		{"spa", "https://app.example.com/cb", "code", "read", "<x y=z>", testkit.Challenge("v"), "S256", "<x y=z>", "<x y=z>"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], seed[7], seed[8], "", uint8(0))
	}
	f.Add("web", "", "code", "read", "s", "", "", "", "", "scope[]=a&client_id=b;%zz", uint8(7))
	f.Fuzz(func(t *testing.T, id, redirectURI, responseType, scope, state, challenge, method, prompt, resource, more string, how uint8) {
		s := testkit.NewServer(t)
		for _, reg := range []passport.Registration{
			{ID: "web"}, {ID: "spa", AuthMethod: oauth.AuthNone}, {ID: "owned", Owner: testkit.Ref("bob")},
			{ID: "native", AuthMethod: oauth.AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"}},
		} {
			s.Register(reg)
		}
		params := url.Values{
			"client_id": {id}, "redirect_uri": {redirectURI}, "response_type": {responseType}, "scope": {scope}, "state": {state},
			"code_challenge": {challenge}, "code_challenge_method": {method}, "prompt": {prompt}, "resource": {resource},
		}
		b := s.Browser()
		if how&1 != 0 {
			b.SignIn("alice")
		}
		a := b.Fuzzed(params.Encode()+"&"+more, how)
		checkFuzzed(t, a, params)
		if strings.HasPrefix(a.Target(), "/login?") {
			a = a.SignIn("bob")
			checkFuzzed(t, a, params)
		}
		if a.IsConsent() {
			checkFuzzed(t, a.Decide(map[bool]string{true: "allow", false: "deny"}[how&4 == 0]), params)
		}
	})
}

func checkFuzzed(t *testing.T, a *testkit.Response, params url.Values) {
	t.Helper()
	if a.Status >= 500 {
		t.Fatalf("the request caused a server error: %s", a)
	}
	a.IsInert(fmt.Sprint(params))
	target := a.Target()
	if target == "" {
		target = testkit.First(testkit.LinkElement, a.Body)
	}
	switch to, _ := url.Parse(target); {
	case target == "" || strings.HasPrefix(target, "/login?return_to=%2Foauth%2Fauthorize%3F"):
	case to == nil:
		t.Fatalf("the browser is sent to %q, want the client or the sign-in page", target)
	case strings.HasPrefix(target, "https://app.example.com/cb?"), strings.HasPrefix(target, "com.example.app:/cb?"),
		to.Scheme == "http" && (to.Hostname() == "127.0.0.1" || to.Hostname() == "::1") && to.Path == "/cb" && to.User == nil:
		q := to.Query()
		if q.Get("iss") != testkit.Issuer || len(q["state"]) > 1 || q.Has("state") && q.Get("state") != params.Get("state") || q.Has("code") == q.Has("error") {
			t.Fatalf("parameters of the response = %v, want iss, the sent state, and either a code or an error", q)
		}
	default:
		t.Fatalf("the browser is sent to %q, want the client or the sign-in page", target)
	}
}
