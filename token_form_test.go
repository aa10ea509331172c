package passport_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// RFC 6749 §3.2: "The client MUST use the HTTP "POST" method when making access
// token requests."
func TestToken_TK_01_PostOnly(t *testing.T) {
	s := newServer(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE"} {
		r := httptest.NewRequest(method, s.tokenURL()+"?grant_type=client_credentials", nil)
		if a := s.do(r); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
			t.Errorf("%s /oauth/token = %d, Allow %q; want 405 and POST", method, a.status, a.header.Get("Allow"))
		}
	}
}

func TestToken_TK_02_FormsOnly(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.secret}}.Encode()
	for _, tt := range []struct {
		name, contentType, body string
		ok                      bool
	}{
		{"a form", "application/x-www-form-urlencoded", form, true},
		{"a form with a charset", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", form, true},
		{"JSON", "application/json", `{"grant_type":"client_credentials","client_id":"` + c.ID + `","client_secret":"` + c.secret + `"}`, false},
		{"a form that says that it is JSON", "application/json", form, false},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n", false},
		{"text", "text/plain", form, false},
		{"no type", "-", form, false},
		{"two types", "application/x-www-form-urlencoded, application/json", form, false},
	} {
		a := s.send(tt.body, "Content-Type", "-", "Content-Type", tt.contentType)
		if tt.ok {
			a.tokens()
			continue
		}
		if a.wantJSONError(400, "invalid_request"); !strings.Contains(a.description(), "Content-Type") {
			t.Errorf("%s is refused with %q, which does not say what to send", tt.name, a.description())
		}
	}
	s.send("").wantJSONError(401, "invalid_client")
	s.wantBlameless()
}

// RFC 6749 §2.3.1: "The parameters can only be transmitted in the request-body
// and MUST NOT be included in the request URI."
func TestToken_TK_03_TheQueryIsNotRead(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "scope": {"admin"}}
	post := func(query, body string) *answer {
		r := httptest.NewRequest("POST", s.tokenURL()+"?"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(url.QueryEscape(c.ID), c.secret)
		return s.do(r)
	}
	post(query.Encode(), "").wantJSONError(400, "invalid_request")
	if got := post("scope=admin&grant_type=password", "grant_type=client_credentials&scope=read").tokens(); got.Scope != "read" {
		t.Errorf("a scope in the query was read: scope = %q, want read", got.Scope)
	}
	for _, q := range []string{"client_secret=" + c.secret, "client_secret=&x=1", "x=1&client%5Fsecret=" + c.secret} {
		a := post(q, "grant_type=client_credentials").wantJSONError(400, "invalid_request")
		if !strings.Contains(a.description(), "client_secret") {
			t.Errorf("a secret in the URL is refused with %q, which does not name it", a.description())
		}
	}
	if !strings.Contains(s.log.String(), "sent in the URL") {
		t.Error("the log says nothing of the secret in the URL")
	}
	if strings.Contains(s.log.String(), c.secret) {
		t.Error("the log repeats the secret from the URL")
	}
}

// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than
// once." RFC 8707 §2 excepts resource.
func TestToken_TK_04_RepeatedParameter(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c)
	for _, name := range []string{"grant_type", "refresh_token", "scope", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "unknown"} {
		for _, values := range [][]string{{"a", "b"}, {"a", "a"}, {"", "a"}, {"", ""}} {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh}}
			form[name] = values
			a := s.send(form.Encode(), "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
			if !strings.Contains(a.description(), name) {
				t.Errorf("%s twice is refused with %q, which does not name it", name, a.description())
			}
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {issuer, issuer}, "audience": {"a", "b"}}
	machine := s.machine()
	s.send(form.Encode(), "Authorization", basic(machine.ID, machine.secret)).tokens()
}

// The same between body and query: a second value in the query changes nothing.
func TestNeverRepeat_B17_ParametersInBodyAndQuery(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	r := httptest.NewRequest("POST", s.tokenURL()+"?scope=admin&client_id=another", strings.NewReader("grant_type=client_credentials&scope=read"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", basic(c.ID, c.secret))
	if got := s.do(r).tokens(); got.Scope != "read" {
		t.Errorf("scope = %q, want that of the body", got.Scope)
	}
}

func TestToken_TK_05_WhatSuccessLooksLike(t *testing.T) {
	s := newServer(t)
	c := s.web()
	code := s.code(c, "scope", "read write")
	a := s.exchange(c, c.codeForm(code)...)
	wantTokenHeaders(t, a)
	m := a.json()
	if m["token_type"] != "Bearer" || m["expires_in"] != 3600.0 || m["scope"] != "read write" || m["access_token"] == "" || m["refresh_token"] == "" {
		t.Errorf("token response = %v; want Bearer, 3600 seconds, both scopes, two tokens", m)
	}
	if narrowed := s.refresh(c, m["refresh_token"].(string), "scope", "write").json(); narrowed["scope"] != "write" {
		t.Errorf("scope after narrowing = %v, want write", narrowed["scope"])
	}
}

// RFC 6749 §5.1 demands scope wherever it differs from what was asked for, also
// when nothing of that is left.
func TestToken_TK_05_ScopeOfATokenThatLostAll(t *testing.T) {
	s := newServer(t)
	c := s.web()
	tok := s.grantTokens(c, "scope", "write")
	s.narrowClient(c, "read")
	if scope, there := s.refresh(c, tok.Refresh).json()["scope"]; !there || scope != "" {
		t.Errorf("scope of a token that lost all its scopes = %v, there = %v; want it there and empty", scope, there)
	}
}

func TestToken_TK_06_WhatRefusalsLookLike(t *testing.T) {
	s := newServer(t)
	c := s.web()
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
		a := s.exchange(c, tt.pairs...).wantJSONError(tt.status, tt.code)
		wantTokenHeaders(t, a)
		if a.description() == "" {
			t.Errorf("%s has no error_description", tt.code)
		}
		if a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s names no request ID", tt.code)
		}
	}
	wantTokenHeaders(t, s.send("grant_type=x&client_id=nobody").wantJSONError(401, "invalid_client"))
}

func wantTokenHeaders(t *testing.T, a *answer) {
	t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q (RFC 6749 §5.1)", name, got, want)
		}
	}
}

func TestToken_TK_08_WhichGrant(t *testing.T) {
	s := newServer(t)
	web, machine := s.web(), s.machine()
	s.exchange(web, "scope", "read").wantJSONError(400, "invalid_request")
	s.exchange(web, "grant_type", "urn:example:grant").wantJSONError(400, "unsupported_grant_type")
	s.exchange(web, "grant_type", "Authorization_Code").wantJSONError(400, "unsupported_grant_type")
	s.exchange(web, "grant_type", "client_credentials").wantJSONError(400, "unauthorized_client")
	s.exchange(machine, "grant_type", "authorization_code", "code", "x").wantJSONError(400, "unauthorized_client")
	s.exchange(machine, "grant_type", "refresh_token", "refresh_token", "x").wantJSONError(400, "unauthorized_client")
}

// RFC 9700 §2.4: "The resource owner password credentials grant MUST NOT be
// used." Nor is any other old grant there unless somebody turns it on.
func TestToken_TK_15_NoPasswordGrant(t *testing.T) {
	s := newServer(t)
	c := s.web()
	for _, g := range []string{"password", "implicit", "token", "urn:ietf:params:oauth:grant-type:device_code", "personal_access"} {
		s.exchange(c, "grant_type", g, "username", "alice", "password", "secret").wantJSONError(400, "unsupported_grant_type")
	}
}

func TestToken_TK_18_BodyLimit(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	form := "grant_type=client_credentials&x="
	for _, size := range []int{64<<10 + 1, 10 << 20} {
		s.send(form+strings.Repeat("a", size), "Authorization", basic(c.ID, c.secret)).wantJSONError(413, "invalid_request")
	}
	s.send(form+strings.Repeat("a", 8<<10+1), "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	s.send(form+strings.Repeat("a", 8<<10), "Authorization", basic(c.ID, c.secret)).tokens()
	s.wantBlameless()
}

// Whatever is in a parameter or a Basic header, the answer is a refusal in the
// form of RFC 6749 §5.2, never a fault of ours.
func TestNeverRepeat_F10_HostileParameters(t *testing.T) {
	s := newServer(t)
	c := s.web()
	hostile := map[string]string{
		"NUL": "a\x00b", "line feed": "a\nb", "return": "a\rb", "half a UTF-8 character": "a\xc3", "overlong UTF-8": "\xc0\xaf", "surrogate": "\xed\xa0\x80",
		"longer than a column": strings.Repeat("k", 300), "longer than a parameter": strings.Repeat("k", 8<<10+1), "quotes": `"\'<>`,
		"format": "%s%n%d", "percent": "%zz", "spaces": "   ", "emoji": "🔑", "right to left": "\u202e", "SQL": "' OR 1=1 --", "plus": "+", "dots": "...",
	}
	noText := map[string]bool{"NUL": true, "line feed": true, "return": true, "half a UTF-8 character": true, "overlong UTF-8": true, "surrogate": true, "longer than a parameter": true}
	names := []string{"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "audience", "unknown"}
	for what, value := range hostile {
		for _, name := range names {
			for _, grantType := range []string{"authorization_code", "refresh_token"} {
				form := url.Values{"grant_type": {grantType}, "client_id": {c.ID}, "client_secret": {c.secret}, "code": {"x"}, "refresh_token": {"x"}}
				form.Set(name, value)
				a := s.send(form.Encode())
				wantRefused(t, what+" in "+name, a)
				if noText[what] && a.json()["error"] != "invalid_request" {
					t.Errorf("%s in %s: %s, want it refused for what it is", what, name, a)
				}
			}
		}
		for _, name := range names { // as a name
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ID}, "client_secret": {c.secret}, "refresh_token": {"x"}, name + value: {"x"}}
			wantRefused(t, what+" after the name "+name, s.send(form.Encode()))
		}
		for _, header := range []string{basic(value, c.secret), basic(c.ID, value), rawBasic(value + ":" + value), "Basic " + value, "Bearer " + value} {
			wantRefused(t, what+" in Basic", s.send("grant_type=refresh_token&refresh_token=x", "Authorization", header))
		}
	}
	s.wantBlameless()
}

// PHP's way of writing arrays is refused, so that nobody takes the last value
// for the only one.
func TestToken_TK_04_Arrays(t *testing.T) {
	s := newServer(t)
	c := s.machine()
	for _, name := range []string{"scope[]", "scope[0]", "grant_type[]", "client_id[x]", "x[", "scope%5B%5D"} {
		s.send("grant_type=client_credentials&"+name+"=read", "Authorization", basic(c.ID, c.secret)).wantJSONError(400, "invalid_request")
	}
	for _, body := range []string{"grant_type=client_credentials;scope=read", "grant_type=%zz", "%", "=", "&&&", "grant_type"} {
		wantRefused(t, body, s.send(body, "Authorization", basic(c.ID, c.secret)))
	}
	s.wantBlameless()
}

// wantRefused fails unless the answer is a refusal in the form of RFC 6749 §5.2.
func wantRefused(t *testing.T, what string, a *answer) {
	t.Helper()
	if a.status < 400 || a.status > 499 {
		t.Errorf("%s: %s, want a refusal", what, a)
		return
	}
	code, _ := a.json()["error"].(string)
	if code == "" {
		t.Errorf("%s: the refusal %q has no error", what, a.body)
	}
	for _, r := range a.description() {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			t.Errorf("%s: error_description %q has a character that RFC 6749 §5.2 does not allow", what, a.description())
		}
	}
}

func basic(id, secret string) string {
	return rawBasic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

func rawBasic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}
