package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// Only pages at the client's own origins may read the response to its requests.
func TestToken_FR_23_TK_17_CORS(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{
		"https://app.example.com/cb", "https://other.example.com:443/cb", "https://dev.example.com:8443/cb", "http://localhost:5173/cb", "com.example.app:/cb",
	}})
	form := "grant_type=authorization_code&code=x&client_id=" + c.ID
	for origin, allowed := range map[string]bool{
		"https://app.example.com": true, "https://other.example.com": true, "https://dev.example.com:8443": true, "http://localhost:5173": true,
		"http://localhost:6274": true, "http://localhost": true, "http://127.0.0.1:5173": false, "http://localhost.evil.example:5173": false, "https://localhost:5173": false, // FR-23: any loopback port
		"https://evil.example": false, "https://app.example.com.evil.example": false, "http://app.example.com": false, "https://app.example.com:8443": false,
		"https://APP.example.com": false, "https://app.example.com/cb": false, "null": false, "": false, "com.example.app:": false, "https://dev.example.com": false, "*": false,
	} {
		a := s.Send(form, "Origin", origin)
		got := a.Header.Get("Access-Control-Allow-Origin")
		if want := map[bool]string{true: origin}[allowed]; got != want {
			t.Errorf("Origin %q: Access-Control-Allow-Origin = %q, want %q", origin, got, want)
		}
		if !slices.Contains(a.Header.Values("Vary"), "Origin") {
			t.Errorf("Origin %q: the response has no Vary: Origin, so a cache could send it to another origin", origin)
		}
		if allowed && !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("Origin %q: the application cannot read WWW-Authenticate", origin)
		}
		if a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("Origin %q: the response allows credentials", origin)
		}
	}
	// A success is also readable. An error before the client is known is not.
	token := s.GrantTokens(c)
	if a := s.Send("grant_type=refresh_token&refresh_token="+token.Refresh+"&client_id="+c.ID, "Origin", "https://app.example.com"); a.Tokens().Access == "" || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("the application cannot read the token response: %v", a.Header)
	}
	if a := s.Send("grant_type=refresh_token&client_id=nobody", "Origin", "https://app.example.com"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page may read an error that belongs to no client")
	}
}

func TestToken_TK_17_Preflight(t *testing.T) {
	s := testkit.NewServer(t)
	a := s.Preflight("https://app.example.com")
	if a.Status != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || a.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight = %d %v, want 204 for this origin and POST", a.Status, a.Header)
	}
	allowed := strings.ToLower(a.Header.Get("Access-Control-Allow-Headers"))
	if !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
		t.Errorf("Access-Control-Allow-Headers = %q, want Authorization and Content-Type", allowed)
	}
	if a.Header.Get("Access-Control-Allow-Credentials") != "" || !slices.Contains(a.Header.Values("Vary"), "Origin") {
		t.Errorf("preflight = %v, want no credentials, and Vary: Origin", a.Header)
	}
	for _, origin := range []string{"", "null"} {
		if a := s.Preflight(origin); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("the origin %q is allowed", origin)
		}
	}
}

// Every page may read the public documents, and nothing else.
func TestNeverRepeat_F7_MD_03_PublicDocuments(t *testing.T) {
	s := testkit.NewServer(t)
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/oauth/jwks"} {
		a := s.Get(path, "Origin", "https://any.example")
		if a.Status != 200 || a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.Header.Get("Cache-Control"), "max-age") {
			t.Errorf("GET %s = %d %v, want it readable by every origin, cacheable, without credentials", path, a.Status, a.Header)
		}
	}
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		r := httptest.NewRequest(method, testkit.Issuer+"/oauth/authorize?client_id="+s.Spa().ID, nil)
		r.Header.Set("Origin", "https://app.example.com")
		if a := s.Do(r); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("another origin may read %s /oauth/authorize", method)
		}
	}
}

// corsOf has the pages that may call each endpoint: any page, the pages of a client, or
// none. A new endpoint needs a line here.
var corsOf = map[string]string{
	"jwks_uri": "any", "userinfo_endpoint": "any",
	"token_endpoint": "client", "revocation_endpoint": "client", "registration_endpoint": "client",
	"authorization_endpoint": "none", "introspection_endpoint": "none",
}

// Libraries add headers: MCP clients add a version, tracing tools a traceparent. The
// preflight of a browser names each of them. Every endpoint in the metadata that pages
// may call allows them, even under an issuer with a path.
func TestNeverRepeat_FR_25_F7_PreflightsOfEveryEndpoint(t *testing.T) {
	for _, issuer := range []string{testkit.Issuer, testkit.Issuer + "/tenant"} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = issuer })
		urls := map[string]string{"any the metadata": testkit.Issuer + "/.well-known/oauth-authorization-server" + strings.TrimPrefix(issuer, testkit.Issuer)}
		urls["any the metadata of the API"] = testkit.Issuer + "/.well-known/oauth-protected-resource" + strings.TrimPrefix(issuer, testkit.Issuer)
		for name, value := range s.Metadata() {
			if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
				continue
			}
			if corsOf[name] == "" {
				t.Errorf("the metadata has %s, but corsOf has no line for it", name)
			}
			urls[corsOf[name]+" "+name], _ = value.(string)
		}
		for name, url := range urls {
			r := httptest.NewRequest("OPTIONS", url, nil)
			r.Header.Set("Origin", "https://app.example.com")
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "mcp-protocol-version, traceparent,X-Requested-With")
			a := s.Do(r)
			pages, _, _ := strings.Cut(name, " ")
			want := map[string]string{"any": "*", "client": "https://app.example.com"}[pages]
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("the preflight of %s (%s) allows the origin %q, want %q", name, url, got, want)
			}
			if want == "" {
				continue
			}
			allowed := strings.ToLower(a.Header.Get("Access-Control-Allow-Headers"))
			for _, header := range []string{"authorization", "content-type", "mcp-protocol-version", "traceparent", "x-requested-with"} {
				if !slices.Contains(strings.Split(allowed, ", "), header) {
					t.Errorf("the preflight of %s allows the headers %q, want %s too", name, allowed, header)
				}
			}
			if a.Status != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Credentials") != "" || !slices.Contains(a.Header.Values("Vary"), "Access-Control-Request-Headers") {
				t.Errorf("the preflight of %s = %d %v, want 204, no credentials, and Vary", name, a.Status, a.Header)
			}
		}
	}
}

// A page may read Retry-After and the request ID.
func TestToken_FR_25_ExposedHeaders(t *testing.T) {
	s := testkit.NewServer(t)
	form := "grant_type=authorization_code&code=x&client_id=" + s.Spa().ID
	for what, a := range map[string]*testkit.Response{
		"token":           s.Send(form, "Origin", "https://app.example.com"),
		"metadata":        s.Get("/.well-known/oauth-authorization-server", "Origin", "https://any.example"),
		"JWKS":            s.Get("/oauth/jwks", "Origin", "https://any.example"),
		"a 405 of a JWKS": s.Do(httptest.NewRequest("POST", testkit.Issuer+"/oauth/jwks", nil)),
	} {
		names := strings.Split(a.Header.Get("Access-Control-Expose-Headers"), ", ")
		for _, name := range []string{"Retry-After", "X-Request-Id", "WWW-Authenticate"} {
			if !slices.Contains(names, name) || a.Header.Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("%s: Access-Control-Expose-Headers = %q, want %s too", what, names, name)
			}
		}
	}
}

// A preflight echoes only valid header names, and a limited number.
func TestToken_FR_25_PreflightEchoesNamesOnly(t *testing.T) {
	s := testkit.NewServer(t)
	for what, asked := range map[string]string{
		"many":     strings.Repeat("x-a,", 5000) + "x-b",
		"all":      "*",
		"long":     strings.Repeat("x", 50<<10),
		"no names": "x y,<script>,a:b,\"q\",ä,x\ty,,=",
		"many names": func() (list string) {
			for i := range 1000 {
				list += ",x-" + strings.Repeat("a", i%7) + string(rune('a'+i%26)) + strings.Repeat("b", i/26)
			}
			return list
		}(),
	} {
		r := httptest.NewRequest("OPTIONS", s.TokenURL(), nil)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", asked)
		allowed := s.Do(r).Header.Get("Access-Control-Allow-Headers")
		names := strings.Split(allowed, ", ")
		if len(allowed) > 4<<10 || len(names) > 40 || strings.ContainsAny(allowed, "*<:\"=\t") || strings.Contains(allowed, "x y") || names[0] != "Authorization" {
			t.Errorf("%s: the preflight allows %d headers in %d bytes: %.200q", what, len(names), len(allowed), allowed)
		}
	}
}
