package guard_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/oauth"
)

// known is the only token that the tests' verifier accepts.
const known = "a-token-that.is_known~here+/=="

func verify(_ *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
	if len(bearer) > 16<<10 {
		panic("the verifier was called for a token that is too long")
	}
	if bearer != known {
		return nil, nil, oauth.InvalidToken.Errorf("the token is unknown")
	}
	family := &oauth.Family{ID: "f", User: oauth.UserRef{Provider: "users", ID: "alice"}, ExpiresAt: time.Now().Add(time.Hour)}
	return &oauth.AccessToken{ID: "t", Client: &oauth.Client{ID: "c"}, Family: family, Scopes: []string{"read"}}, &oauth.User{ID: "alice"}, nil
}

// serve sends a request with these Authorization headers to an API behind the
// guard.
func serve(config guard.Config, rules []guard.Rule, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header["Authorization"] = headers
	w := httptest.NewRecorder()
	guard.New(config, rules...)(http.HandlerFunc(api)).ServeHTTP(w, r)
	return w
}

func api(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprint(w, guard.TokenFrom(r.Context()).ID)
}

func TestGuard_AdmitsKnownTokens(t *testing.T) {
	if w := serve(guard.Config{Verify: verify}, nil, "Bearer "+known); w.Code != 200 || w.Body.String() != "t" {
		t.Errorf("response to a known token = %d %q, want the API's response with the token in its context", w.Code, w.Body)
	}
}

func TestGuard_BR_01_BR_02_BR_04_Challenges(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		error   string
	}{
		{"no header", nil, 401, ""},
		{"another scheme", []string{"Basic YTpi"}, 401, ""},
		{"no scheme", []string{known}, 401, ""},
		{"unknown", []string{"Bearer x"}, 401, "invalid_token"},
		{"too long", []string{"Bearer " + strings.Repeat("x", 16<<10+1)}, 401, "invalid_token"},
		{"empty", []string{"Bearer "}, 400, "invalid_request"},
		{"two tokens", []string{"Bearer x y"}, 400, "invalid_request"},
		{"two headers", []string{"Bearer " + known, "Bearer " + known}, 400, "invalid_request"},
	} {
		w := serve(guard.Config{Verify: verify, Realm: "orders"}, nil, tt.headers...)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != tt.status || !strings.HasPrefix(challenge, `Bearer realm="orders"`) {
			t.Errorf("%s: %d with challenge %q, want %d", tt.name, w.Code, challenge, tt.status)
		}
		if got := strings.Contains(challenge, "error="); got != (tt.error != "") || !strings.Contains(challenge, tt.error) {
			t.Errorf("%s: challenge %q, want the error %q", tt.name, challenge, tt.error)
		}
	}
}

// Header values in a challenge contain no quote and no backslash (RFC 6750 §3).
// Otherwise a caller could add parameters to the challenge.
func TestGuard_ChallengeStaysWhole(t *testing.T) {
	hostile := &oauth.Error{Code: oauth.InsufficientScope, Description: "a\"b\\c\r\nX: yé", Scope: `read" , error="none`}
	rule := guard.RuleFunc(func(*oauth.AccessToken) error { return hostile })
	w := serve(guard.Config{Verify: verify, Realm: `my "realm"`}, []guard.Rule{rule}, "Bearer "+known)
	want := `Bearer realm="my realm", error="insufficient_scope", error_description="abcX: y", scope="read , error=none"`
	if got := w.Header().Get("WWW-Authenticate"); got != want || w.Code != 403 {
		t.Errorf("challenge = %d %s\nwant %s", w.Code, got, want)
	}
}

// If the verifier fails, the guard sends no challenge and admits no request.
// The status is 503 if a retry may help.
func TestGuard_FailsClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"a fault":        {errors.New("disk on fire"), 500},
		"unavailable":    {fmt.Errorf("dial: %w", oauth.ErrUnavailable), 503},
		"a server error": {oauth.ServerError, 500},
		"a code by name": {oauth.InvalidToken, 401},
		"wrapped code":   {fmt.Errorf("row 5: %w", oauth.InvalidToken.Errorf("gone")), 401},
	} {
		var log bytes.Buffer
		config := guard.Config{
			Verify: func(*http.Request, string) (*oauth.AccessToken, *oauth.User, error) { return nil, nil, tt.err },
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}
		w := serve(config, nil, "Bearer "+known)
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != tt.status || (challenge == "") != (tt.status >= 500) || (w.Header().Get("Retry-After") != "") != (tt.status == 503) {
			t.Errorf("%s: %d with challenge %q and Retry-After %q, want %d", name, w.Code, challenge, w.Header().Get("Retry-After"), tt.status)
		}
		for _, private := range []string{"fire", "dial", "row 5"} {
			if strings.Contains(w.Body.String()+challenge, private) {
				t.Errorf("%s: the response contains the internal text %q", name, private)
			}
		}
		if !strings.Contains(log.String(), "err=") || strings.Contains(log.String(), known) {
			t.Errorf("%s: the log is %q, want the error and not the token", name, log.String())
		}
		if level := map[bool]string{true: "level=ERROR", false: "level=INFO"}[tt.status >= 500]; !strings.Contains(log.String(), level) {
			t.Errorf("%s: the log is %q, want %s", name, log.String(), level)
		}
	}
}

// A rule that fails causes a server error, not a refusal.
func TestGuard_RuleThatFails(t *testing.T) {
	rule := guard.RuleFunc(func(*oauth.AccessToken) error { return errors.New("policy engine is down") })
	if w := serve(guard.Config{Verify: verify}, []guard.Rule{rule}, "Bearer "+known); w.Code != 500 || strings.Contains(w.Body.String(), "policy") {
		t.Errorf("response after a rule failed = %d %q, want 500 without the reason", w.Code, w.Body)
	}
}

// A guard inside another guard does not verify the token again, but its rules
// apply.
func TestGuard_OneInsideAnother(t *testing.T) {
	verified := 0
	config := guard.Config{Verify: func(r *http.Request, bearer string) (*oauth.AccessToken, *oauth.User, error) {
		verified++
		return verify(r, bearer)
	}}
	nested := func(rules ...guard.Rule) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+known)
		w := httptest.NewRecorder()
		guard.New(config)(guard.New(config, rules...)(http.HandlerFunc(api))).ServeHTTP(w, r)
		return w.Code
	}
	if got := nested(guard.Scopes("read")); got != 200 || verified != 1 {
		t.Errorf("nested guards: status %d after %d verifications, want 200 after 1", got, verified)
	}
	if got := nested(guard.Scopes("write")); got != 403 {
		t.Errorf("inner guard with a rule that refuses: status %d, want 403", got)
	}
}

// The log names the client that lacks a scope, and the scope.
func TestGuard_LogsClientAndScope(t *testing.T) {
	var log bytes.Buffer
	config := guard.Config{Verify: verify, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	serve(config, []guard.Rule{guard.Scopes("write")}, "Bearer "+known)
	if want := "client_id=c required_scope=write error=insufficient_scope"; !strings.Contains(log.String(), want) {
		t.Errorf("log = %s, want %s", &log, want)
	}
	log.Reset()
	serve(config, nil, "Bearer x")
	if strings.Contains(log.String(), "client_id") || strings.Contains(log.String(), "scope") {
		t.Errorf("log = %s, want neither for an unknown token", &log)
	}
}

func TestGuard_OnRefusal(t *testing.T) {
	config := guard.Config{Verify: verify, OnRefusal: func(w http.ResponseWriter, r *http.Request, err *oauth.Error) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "%s at %s", err.Code, r.URL.Path)
	}}
	if w := serve(config, nil); w.Code != http.StatusTeapot || w.Body.String() != "invalid_token at /orders" || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("refusal = %d %q with challenge %q, want the application's response and our challenge", w.Code, w.Body, w.Header().Get("WWW-Authenticate"))
	}
}

// Without a token the body says how to send one.
func TestGuard_HintWithoutAToken(t *testing.T) {
	w := serve(guard.Config{Verify: verify}, nil)
	if !strings.Contains(w.Body.String(), "Authorization: Bearer") || strings.Contains(w.Body.String(), "invalid_token") {
		t.Errorf("body = %s, want a hint and no error", w.Body)
	}
}

func TestRules(t *testing.T) {
	user := &oauth.AccessToken{Client: &oauth.Client{ID: "c"}, Family: &oauth.Family{ID: "f", User: oauth.UserRef{Provider: "users", ID: "1"}}, Scopes: []string{"a", "b"}}
	staff := &oauth.AccessToken{Client: &oauth.Client{ID: "c"}, Family: &oauth.Family{ID: "f", User: oauth.UserRef{Provider: "staff", ID: "1"}}}
	client := &oauth.AccessToken{Client: &oauth.Client{ID: "c"}, Scopes: []string{"a"}}
	for name, tt := range map[string]struct {
		rules []guard.Rule
		want  [3]bool // user, staff, client
	}{
		"Clients":                   {[]guard.Rule{guard.Clients}, [3]bool{false, false, true}},
		"Provider":                  {[]guard.Rule{guard.Provider("users")}, [3]bool{true, false, false}},
		"Provider without names":    {[]guard.Rule{guard.Provider()}, [3]bool{}},
		"Scopes":                    {[]guard.Rule{guard.Scopes("a", "b")}, [3]bool{true, false, false}},
		"AnyScope":                  {[]guard.Rule{guard.AnyScope("x", "a")}, [3]bool{true, false, true}},
		"Users":                     {guard.Users("users", nil), [3]bool{true, false, false}},
		"Users with a Provider":     {guard.Users("users", []guard.Rule{guard.Provider("staff")}), [3]bool{false, true, false}},
		"UsersAndClients":           {guard.UsersAndClients("users", nil), [3]bool{true, false, true}},
		"… with a Provider":         {guard.UsersAndClients("users", []guard.Rule{guard.Provider("staff")}), [3]bool{false, true, true}},
		"… with a Provider, Scopes": {guard.UsersAndClients("users", []guard.Rule{guard.Scopes("a")}), [3]bool{true, false, true}},
	} {
		for i, token := range []*oauth.AccessToken{user, staff, client} {
			admitted := true
			for _, rule := range tt.rules {
				err := rule.Admit(token)
				if err != nil && !errors.Is(err, oauth.InsufficientScope) {
					t.Errorf("%s: %v, want insufficient_scope", name, err)
				}
				admitted = admitted && err == nil
			}
			if admitted != tt.want[i] {
				t.Errorf("%s: Admit(%s) = %v, want %v", name, [3]string{"a user", "staff", "a client"}[i], admitted, tt.want[i])
			}
		}
	}
}

// The functions do not change the caller's rules: an application shares them.
func TestRules_AreNotChanged(t *testing.T) {
	shared := []guard.Rule{guard.Provider("staff"), guard.Scopes("a")}
	guard.UsersAndClients("users", shared)
	if err := shared[0].Admit(&oauth.AccessToken{Client: &oauth.Client{ID: "c"}}); err == nil {
		t.Error("UsersAndClients changed the rules that it was given")
	}
}

// WithoutBearer is called only for a request without a bearer token.
func TestGuard_WithoutBearer(t *testing.T) {
	family := &oauth.Family{User: oauth.UserRef{Provider: "users", ID: "bob"}}
	found := func(*http.Request) (*oauth.AccessToken, *oauth.User, error) {
		return &oauth.AccessToken{ID: "another proof", Client: &oauth.Client{}, Family: family, Scopes: []string{"read"}}, &oauth.User{ID: "bob"}, nil
	}
	nothing := func(*http.Request) (*oauth.AccessToken, *oauth.User, error) { return nil, nil, nil }
	broken := func(*http.Request) (*oauth.AccessToken, *oauth.User, error) {
		return nil, nil, errors.New("no response")
	}
	for _, tt := range []struct {
		name   string
		other  func(*http.Request) (*oauth.AccessToken, *oauth.User, error)
		rules  []guard.Rule
		header []string
		status int
		body   string
	}{
		{"found", found, nil, nil, 200, "another proof"},
		{"found, with another scheme", found, nil, []string{"Basic YTpi"}, 200, "another proof"},
		{"found, but a rule refuses", found, []guard.Rule{guard.Scopes("write")}, nil, 403, ""},
		{"nothing", nothing, nil, nil, 401, ""},
		{"a fault", broken, nil, nil, 500, ""},
		{"a good token", found, nil, []string{"Bearer " + known}, 200, "t"},
		{"a bad token", found, nil, []string{"Bearer x"}, 401, ""},
		{"a broken header", found, nil, []string{"Bearer"}, 400, ""},
		{"two headers", found, nil, []string{"Basic YTpi", "Basic YTpi"}, 400, ""},
	} {
		w := serve(guard.Config{Verify: verify, WithoutBearer: tt.other}, tt.rules, tt.header...)
		if w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body {
			t.Errorf("%s: %d %q, want %d %q", tt.name, w.Code, w.Body, tt.status, tt.body)
		}
	}
}
