package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The limits of one request's log output.
const (
	maxLogLine  = 4096
	maxLogLines = 2
)

// mostURIs returns a client with the most and longest redirect URIs that the server
// accepts.
func mostURIs(s *testkit.Server) *testkit.Client {
	var uris []string
	for i := range 300 {
		uris = append(uris, fmt.Sprintf("https://app%d.example.com/%s", i, strings.Repeat("a", 150)))
	}
	return s.Register(passport.Registration{Name: strings.Repeat("n", 255), RedirectURIs: uris})
}

// parameters are the names that any endpoint reads from a query, form or JSON body.
var parameters = []string{
	"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt", "resource",
	"request", "request_uri", "response_mode", "ticket", "decision", "grant_type", "code", "code_verifier", "refresh_token", "username",
	"password", "client_secret", "token", "token_type_hint", "name", "redirect", "confidential", "scopes", "expires_at", "_method", "unknown",
}

var headers = []string{
	"Accept", "Authorization", "Authorization Bearer ", "Authorization Basic ", "Content-Type", "Cookie", "Cookie passport_token=", "Cookie app_session=", "Origin", "Referer", "User-Agent", "Host", "X-Forwarded-For", "X-Forwarded-Host",
	"X-Request-Id", "X-CSRF-TOKEN", "X-XSRF-TOKEN", "Sec-Fetch-Site", "DPoP", "Forwarded",
}

// largest yields requests. Each has one part of the maximum size.
func largest(c *testkit.Client, method, path string, yield func(what string, r *http.Request)) {
	send := func(what, query, media, body string, header ...string) {
		r := httptest.NewRequest(http.MethodGet, testkit.Issuer+path, strings.NewReader(body))
		r.Method, r.URL.RawQuery = method, query
		r.Header.Set("Content-Type", media)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
			if header[i] == "Host" {
				r.Host = header[i+1]
			}
		}
		yield(what, r)
	}
	const form = "application/x-www-form-urlencoded"
	known := c.Request("grant_type", "authorization_code", "client_secret", c.Secret, "redirect_uri", "x")
	send("a redirect URI that is not registered", known.Encode(), form, known.Encode())
	query, body := strings.Repeat("/\u009b\"\\x", 1<<10), strings.Repeat("/\u009b\"\\x", 4<<10)
	for _, name := range parameters {
		params, _ := url.ParseQuery(known.Encode())
		params.Set(name, query)
		send("a query with a large "+name, params.Encode(), form, "")
		params.Set(name, body[:len(body)/3])
		send("a form with a large "+name, "", form, params.Encode())
		object, _ := json.Marshal(map[string]string{name: body})
		send("JSON with a large "+name, "", "application/json", string(object))
	}
	send("a large name of a parameter", query+"=1", form, body+"=1")
	send("a large name in JSON", "", "application/json", fmt.Sprintf("{%q:1}", body))
	send("a large body", "", body, body)
	for _, header := range headers {
		name, scheme, _ := strings.Cut(header, " ")
		send("a large "+header, known.Encode(), form, known.Encode(), name, scheme+body)
	}
}

// A request adds few and short lines to the log.
func TestLog_FR_08_LargestOfEverything(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.EnablePasswordGrant = true
	})
	c := mostURIs(s)
	try := func(h http.Handler) func(string, *http.Request) {
		return func(what string, r *http.Request) {
			if t.Failed() {
				return // one example is enough
			}
			log.Reset()
			h.ServeHTTP(httptest.NewRecorder(), r)
			for line := range strings.Lines(log.String()) {
				if len(line) > maxLogLine {
					t.Errorf("%.20s %.100s with %s writes a log line of %d bytes, want at most %d: %.300s", r.Method, r.URL.Path, what, len(line), maxLogLine, line)
				}
			}
			if n := strings.Count(log.String(), "\n"); n > maxLogLines {
				t.Errorf("%.20s %.100s with %s writes %d log lines, want at most %d: %.900s", r.Method, r.URL.Path, what, n, maxLogLines, &log)
			}
		}
	}
	for r := range s.Routes() {
		switch r.Method {
		case "GET", "POST", "DELETE":
			largest(c, r.Method, r.Path, try(r.Handler))
		case "PATCH": // one place refuses all unsupported methods
			largest(c, strings.Repeat("M", 60<<10), r.Path, try(s))
		}
	}
	refuse := func(*http.Request, string) (*oauth.AccessToken, *oauth.User, error) {
		return nil, nil, oauth.InvalidToken.Errorf("it is not valid")
	}
	large := "/" + strings.Repeat("\u0085/", 20<<10)
	own := guard.New(guard.Config{Verify: refuse, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, guarded := range []func(http.Handler) http.Handler{s.Guard(), s.GuardClient(), s.GuardAny(), own} {
		largest(c, "GET", "/api/"+url.PathEscape(large), try(guarded(http.NotFoundHandler())))
	}
	for r := range s.Routes() {
		largest(c, "GET", r.Path+large, try(s))
		break
	}
}
