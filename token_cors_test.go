package passport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

func (s *server) preflight(origin string) *answer {
	r := httptest.NewRequest("OPTIONS", s.tokenURL(), nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	return s.do(r)
}

// A browser application may read the answer to its own requests, and nobody
// else's page may.
func TestToken_TK_17_CORS(t *testing.T) {
	s := newServer(t)
	c := s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{
		"https://app.example.com/cb", "https://Other.Example.com:443/cb", "https://dev.example.com:8443/cb", "http://localhost:5173/cb", "com.example.app:/cb",
	}})
	form := "grant_type=authorization_code&code=x&client_id=" + c.ID
	for origin, allowed := range map[string]bool{
		"https://app.example.com": true, "https://other.example.com": true, "https://dev.example.com:8443": true, "http://localhost:5173": true,
		"https://evil.example": false, "https://app.example.com.evil.example": false, "http://app.example.com": false, "https://app.example.com:8443": false,
		"https://APP.example.com": false, "https://app.example.com/cb": false, "null": false, "": false, "com.example.app:": false, "https://dev.example.com": false, "*": false,
	} {
		a := s.send(form, "Origin", origin)
		got := a.header.Get("Access-Control-Allow-Origin")
		if want := map[bool]string{true: origin}[allowed]; got != want {
			t.Errorf("Origin %q: Access-Control-Allow-Origin = %q, want %q", origin, got, want)
		}
		if !slices.Contains(a.header.Values("Vary"), "Origin") {
			t.Errorf("Origin %q: no Vary: Origin, so that a cache could hand the answer to another origin", origin)
		}
		if allowed && !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("Origin %q: the application cannot read the challenge", origin)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("Origin %q: credentials are allowed", origin)
		}
	}
	// Success is readable too, and a refusal before the client is known is not.
	token := s.grantTokens(c)
	if a := s.send("grant_type=refresh_token&refresh_token="+token.Refresh+"&client_id="+c.ID, "Origin", "https://app.example.com"); a.tokens().Access == "" || a.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("the application cannot read its tokens: %v", a.header)
	}
	if a := s.send("grant_type=refresh_token&client_id=nobody", "Origin", "https://app.example.com"); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page may read what is refused to no client of its own")
	}
}

func TestToken_TK_17_Preflight(t *testing.T) {
	s := newServer(t)
	a := s.preflight("https://app.example.com")
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || a.header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight = %d %v, want 204 for this origin and POST", a.status, a.header)
	}
	allowed := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
	if !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
		t.Errorf("Access-Control-Allow-Headers = %q, want Authorization and Content-Type", allowed)
	}
	if a.header.Get("Access-Control-Allow-Credentials") != "" || !slices.Contains(a.header.Values("Vary"), "Origin") {
		t.Errorf("preflight = %v, want no credentials, and Vary: Origin", a.header)
	}
	for _, origin := range []string{"", "null"} {
		if a := s.preflight(origin); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("the origin %q is allowed", origin)
		}
	}
}

// What anybody may know, anybody's page may read; and nothing else is open.
func TestNeverRepeat_F7_MD_03_WhoMayReadWhat(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/oauth/jwks"} {
		a := s.get(path, "Origin", "https://any.example")
		if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.header.Get("Cache-Control"), "max-age") {
			t.Errorf("GET %s = %d %v, want it readable by all and cacheable, without credentials", path, a.status, a.header)
		}
	}
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		r := httptest.NewRequest(method, issuer+"/oauth/authorize?client_id="+s.spa().ID, nil)
		r.Header.Set("Origin", "https://app.example.com")
		if a := s.do(r); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s /oauth/authorize may be read by another origin", method)
		}
	}
}
