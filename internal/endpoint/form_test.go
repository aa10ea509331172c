package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// RFC 6749 §3.2: "The client MUST use the HTTP "POST" method when making access
// token requests."
func TestToken_TK_01_PostOnly(t *testing.T) {
	s := testkit.NewServer(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE"} {
		r := httptest.NewRequest(method, s.TokenURL()+"?grant_type=client_credentials", nil)
		if a := s.Do(r); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
			t.Errorf("%s /oauth/token = %d, Allow %q; want 405 and POST", method, a.Status, a.Header.Get("Allow"))
		}
	}
}

func TestToken_TK_02_FormsOnly(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.Secret}}.Encode()
	for _, tt := range []struct {
		name, contentType, body string
		ok                      bool
	}{
		{"a form", "application/x-www-form-urlencoded", form, true},
		{"a form with a charset", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", form, true},
		{"JSON", "application/json", `{"grant_type":"client_credentials","client_id":"` + c.ID + `","client_secret":"` + c.Secret + `"}`, false},
		{"a form with the type JSON", "application/json", form, false},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n", false},
		{"text", "text/plain", form, false},
		{"no type", "-", form, false},
		{"two types", "application/x-www-form-urlencoded, application/json", form, false},
	} {
		a := s.Send(tt.body, "Content-Type", "-", "Content-Type", tt.contentType)
		if tt.ok {
			a.Tokens()
			continue
		}
		if a.WantJSONError(400, "invalid_request"); !strings.Contains(a.Description(), "Content-Type") {
			t.Errorf("%s: error_description = %q, want it to name the right type", tt.name, a.Description())
		}
	}
	s.Send("").WantJSONError(401, "invalid_client")
	s.WantBlameless()
}

// RFC 6749 §2.3.1: "The parameters can only be transmitted in the request-body
// and MUST NOT be included in the request URI."
func TestToken_TK_03_QueryIsIgnored(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "scope": {"admin"}}
	post := func(query, body string) *testkit.Response {
		r := httptest.NewRequest("POST", s.TokenURL()+"?"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(url.QueryEscape(c.ID), c.Secret)
		return s.Do(r)
	}
	post(query.Encode(), "").WantJSONError(400, "invalid_request")
	if got := post("scope=admin&grant_type=password", "grant_type=client_credentials&scope=read").Tokens(); got.Scope != "read" {
		t.Errorf("with a scope in the query: scope = %q, want read", got.Scope)
	}
	for _, q := range []string{"client_secret=" + c.Secret, "client_secret=&x=1", "x=1&client%5Fsecret=" + c.Secret} {
		a := post(q, "grant_type=client_credentials").WantJSONError(400, "invalid_request")
		if !strings.Contains(a.Description(), "client_secret") {
			t.Errorf("a secret in the URL: error_description = %q, want it to name client_secret", a.Description())
		}
	}
	if !strings.Contains(s.Log.String(), "sent in the URL") {
		t.Error("the log does not mention the secret in the URL")
	}
	if strings.Contains(s.Log.String(), c.Secret) {
		t.Error("the log contains the secret from the URL")
	}
}

// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than
// once." RFC 8707 §2 excepts resource.
func TestToken_TK_04_RepeatedParameter(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c)
	for _, name := range []string{"grant_type", "refresh_token", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "unknown"} {
		for _, values := range [][]string{{"a", "b"}, {"a", "a"}, {"", "a"}, {"", ""}} {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh}}
			form[name] = values
			a := s.Send(form.Encode(), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
			if !strings.Contains(a.Description(), name) {
				t.Errorf("%s twice: error_description = %q, want it to name the parameter", name, a.Description())
			}
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {testkit.Issuer, testkit.Issuer}, "audience": {"a", "b"}}
	machine := s.Machine()
	s.Send(form.Encode(), "Authorization", testkit.Basic(machine.ID, machine.Secret)).Tokens()
}

// A second value in the query is ignored.
func TestNeverRepeat_B17_ParametersInBodyAndQuery(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	r := httptest.NewRequest("POST", s.TokenURL()+"?scope=admin&client_id=another", strings.NewReader("grant_type=client_credentials&scope=read"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", testkit.Basic(c.ID, c.Secret))
	if got := s.Do(r).Tokens(); got.Scope != "read" {
		t.Errorf("scope = %q, want the scope of the body", got.Scope)
	}
}

func TestToken_TK_05_SuccessfulResponse(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	code := s.Code(c, "scope", "read write")
	a := s.Exchange(c, c.CodeForm(code)...)
	wantTokenHeaders(t, a)
	m := a.JSON()
	if m["token_type"] != "Bearer" || m["expires_in"] != 3600.0 || m["scope"] != "read write" || m["access_token"] == "" || m["refresh_token"] == "" {
		t.Errorf("token response = %v; want Bearer, 3600 seconds, both scopes, two tokens", m)
	}
	if narrowed := s.Refresh(c, m["refresh_token"].(string), "scope", "write").JSON(); narrowed["scope"] != "write" {
		t.Errorf("scope after narrowing = %v, want write", narrowed["scope"])
	}
}

// RFC 6749 §5.1 requires scope if it differs from the request, even if it is empty.
func TestToken_TK_05_EmptyScope(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	tok := s.GrantTokens(c, "scope", "write")
	s.NarrowClient(c, "read")
	if scope, present := s.Refresh(c, tok.Refresh).JSON()["scope"]; !present || scope != "" {
		t.Errorf("scope of a token without scopes = %v, present = %v; want it present and empty", scope, present)
	}
}

func TestToken_TK_06_ErrorResponses(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for _, tt := range []struct {
		code   string
		status int
		pairs  []string
	}{
		{"invalid_request", 400, []string{"grant_type", "authorization_code"}},
		{"invalid_grant", 400, []string{"grant_type", "refresh_token", "refresh_token", "x"}},
		{"unsupported_grant_type", 400, []string{"grant_type", "x"}},
		{"unauthorized_client", 400, []string{"grant_type", "client_credentials"}},
		{"invalid_scope", 400, []string{"grant_type", "refresh_token", "refresh_token", "x", "scope", "nonsense"}},
		{"invalid_target", 400, []string{"grant_type", "refresh_token", "refresh_token", "x", "resource", "https://else.example"}},
	} {
		a := s.Exchange(c, tt.pairs...).WantJSONError(tt.status, tt.code)
		wantTokenHeaders(t, a)
		if a.Description() == "" {
			t.Errorf("%s has no error_description", tt.code)
		}
		if a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s has no request ID", tt.code)
		}
	}
	wantTokenHeaders(t, s.Send("grant_type=x&client_id=nobody").WantJSONError(401, "invalid_client"))
}

func wantTokenHeaders(t *testing.T, a *testkit.Response) {
	t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q (RFC 6749 §5.1)", name, got, want)
		}
	}
}

func TestToken_TK_08_GrantType(t *testing.T) {
	s := testkit.NewServer(t)
	web, machine := s.Web(), s.Machine()
	s.Exchange(web, "scope", "read").WantJSONError(400, "invalid_request")
	s.Exchange(web, "grant_type", "urn:example:grant").WantJSONError(400, "unsupported_grant_type")
	s.Exchange(web, "grant_type", "Authorization_Code").WantJSONError(400, "unsupported_grant_type")
	s.WantLog(`grant_type \"Authorization_Code\" is not enabled here: choose one of authorization_code, `)
	s.Exchange(web, "grant_type", "client_credentials").WantJSONError(400, "unauthorized_client")
	s.Exchange(machine, "grant_type", "authorization_code", "code", "x").WantJSONError(400, "unauthorized_client")
	s.Exchange(machine, "grant_type", "refresh_token", "refresh_token", "x").WantJSONError(400, "unauthorized_client")
}

// RFC 9700 §2.4: "The resource owner password credentials grant MUST NOT be
// used." Like every other deprecated grant, it is off unless it is enabled.
func TestToken_TK_15_NoPasswordGrant(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for _, g := range []string{"password", "implicit", "token", "urn:ietf:params:oauth:grant-type:device_code", "personal_access"} {
		s.Exchange(c, "grant_type", g, "username", "alice", "password", "secret").WantJSONError(400, "unsupported_grant_type")
	}
	s.WantLog("set EnablePasswordGrant")
}

func TestToken_TK_18_BodyLimit(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	form := "grant_type=client_credentials&x="
	for _, size := range []int{64<<10 + 1, 10 << 20} {
		s.Send(form+strings.Repeat("a", size), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(413, "invalid_request")
	}
	s.Send(form+"&scope="+strings.Repeat("a", 8<<10+1), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send(form+strings.Repeat("a", 8<<10+1), "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens() // an unknown parameter
	s.Send(form+strings.Repeat("a", 8<<10), "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens()
	s.WantBlameless()
}

// Hostile values in a parameter or a Basic header give an error in the format of RFC
// 6749 §5.2, never a server error.
func TestNeverRepeat_F10_HostileParameters(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	hostile := map[string]string{
		"NUL": "a\x00b", "line feed": "a\nb", "return": "a\rb", "cut UTF-8": "a\xc3", "overlong UTF-8": "\xc0\xaf", "surrogate": "\xed\xa0\x80",
		"longer than a column": strings.Repeat("k", 300), "longer than a parameter": strings.Repeat("k", 8<<10+1), "quotes": `"\'<>`,
		"format": "%s%n%d", "percent": "%zz", "spaces": "   ", "emoji": "🔑", "right to left": "\u202e", "SQL": "' OR 1=1 --", "plus": "+", "dots": "...",
	}
	unstorable := map[string]bool{"NUL": true, "line feed": true, "return": true, "cut UTF-8": true, "overlong UTF-8": true, "surrogate": true, "longer than a parameter": true}
	names := []string{"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "audience", "unknown"}
	for what, value := range hostile {
		for _, name := range names {
			for _, grantType := range []string{"authorization_code", "refresh_token"} {
				form := url.Values{"grant_type": {grantType}, "client_id": {c.ID}, "client_secret": {c.Secret}, "code": {"x"}, "refresh_token": {"x"}}
				form.Set(name, value)
				a := s.Send(form.Encode())
				wantRefused(t, what+" in "+name, a)
				if unstorable[what] && name != "unknown" && a.JSON()["error"] != "invalid_request" {
					t.Errorf("%s in %s: %s, want an error about the value", what, name, a)
				}
			}
		}
		for _, name := range names { // as a name
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ID}, "client_secret": {c.Secret}, "refresh_token": {"x"}, name + value: {"x"}}
			wantRefused(t, what+" after the name "+name, s.Send(form.Encode()))
		}
		for _, header := range []string{testkit.Basic(value, c.Secret), testkit.Basic(c.ID, value), testkit.RawBasic(value + ":" + value), "Basic " + value, "Bearer " + value} {
			wantRefused(t, what+" in Basic", s.Send("grant_type=refresh_token&refresh_token=x", "Authorization", header))
		}
	}
	s.WantBlameless()
}

// Arrays in PHP notation are refused, because a reader could take only the last value.
func TestToken_TK_04_Arrays(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	for _, name := range []string{"scope[]", "scope[0]", "grant_type[]", "client_id[x]", "scope%5B%5D"} {
		s.Send("grant_type=client_credentials&"+name+"=read", "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	}
	for _, body := range []string{"grant_type=client_credentials;scope=read", "grant_type=%zz", "%", "=", "&&&", "grant_type"} {
		wantRefused(t, body, s.Send(body, "Authorization", testkit.Basic(c.ID, c.Secret)))
	}
	s.WantBlameless()
}

// wantRefused fails unless the response is an error in the format of RFC 6749 §5.2.
func wantRefused(t *testing.T, what string, a *testkit.Response) {
	t.Helper()
	if a.Status < 400 || a.Status > 499 {
		t.Errorf("%s: %s, want an error", what, a)
		return
	}
	code, _ := a.JSON()["error"].(string)
	if code == "" {
		t.Errorf("%s: the body %q has no error", what, a.Body)
	}
	for _, r := range a.Description() {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			t.Errorf("%s: error_description %q has a character that RFC 6749 §5.2 does not allow", what, a.Description())
		}
	}
}
