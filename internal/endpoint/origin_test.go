package endpoint_test

import (
	"net/http"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The origin of an application in a web view may have a custom scheme, which no redirect
// URI has. The operator allows the origin for one client or for all.
func TestToken_FR_30_AllowedOrigins(t *testing.T) {
	const capacitor, tauri, app, own = "capacitor://localhost", "tauri://localhost", "http://tauri.localhost", "https://app.example.com"
	s := testkit.NewServer(t, func(c *passport.Config) { c.AllowedOrigins = []string{capacitor} })
	plain := s.Spa()
	allowing := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, AllowedOrigins: []string{tauri, app}})
	for _, tt := range []struct {
		what   string
		client string
		allows []string
	}{
		{"a client without origins", plain.ID, []string{own, capacitor}},
		{"a client with origins", allowing.ID, []string{own, capacitor, tauri, app}},
		{"an unknown client", "unknown", []string{capacitor}}, // the operator allows the origin for every client
	} {
		allowed := map[string]bool{}
		for _, origin := range tt.allows {
			allowed[origin] = true
		}
		for _, origin := range []string{
			own, capacitor, tauri, app, "https://evil.example", "capacitor://localhost.evil.example", "capacitor://evil", "capacitor://localhost:80", "tauri://localhost/",
			"TAURI://localhost", "null", "", "*", "capacitor:", "file://",
		} {
			for path, form := range map[string]string{"/oauth/token": "grant_type=authorization_code&code=x&client_id=", "/oauth/revoke": "token=x&client_id="} {
				r := s.FormRequest(plain, path)
				r.Body = testkit.ReadCloser(form + tt.client)
				r.Header.Set("Origin", origin)
				got := s.Do(r).Header.Get("Access-Control-Allow-Origin")
				if want := map[bool]string{true: origin}[allowed[origin]]; got != want {
					t.Errorf("%s: page at %q calls %s: Access-Control-Allow-Origin = %q, want %q", tt.what, origin, path, got, want)
				}
			}
		}
	}
	for _, origin := range []string{capacitor, tauri} {
		if a := s.Preflight(origin); a.Status != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("the preflight of %s = %d %v, want 204 for this origin", origin, a.Status, a.Header)
		}
	}
	s.Update(allowing, func(c *oauth.Client) { c.AllowedOrigins = nil })
	if a := s.Send("grant_type=authorization_code&code=x&client_id="+allowing.ID, "Origin", tauri); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is still allowed after its removal from the client")
	}
}

// Settings refuse origins that no browser sends and origins that any page can send.
func TestToken_FR_30_InvalidOrigins(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Spa()
	for _, origin := range []string{"null", "*", "https://*.example.com", "https://app.example.com/", "https://app.example.com/cb", "app.example.com", "HTTPS://app.example.com", "https://app.example.com:443", "capacitor://", ""} {
		config := testkit.PlainConfig(t)
		config.AllowedOrigins = []string{"tauri://localhost", origin}
		if _, err := passport.New(config); err == nil {
			t.Errorf("New() accepts AllowedOrigins with %q", origin)
		}
		if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: c.RedirectURIs, AllowedOrigins: []string{origin}}); err == nil {
			t.Errorf("CreateClient() accepts the allowed origin %q", origin)
		}
		changed := *c.Client
		changed.AllowedOrigins = []string{origin}
		if err := s.UpdateClient(t.Context(), &changed); err == nil {
			t.Errorf("UpdateClient() accepts the allowed origin %q", origin)
		}
	}
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", RedirectURIs: c.RedirectURIs, AllowedOrigins: make([]string, oauth.MaxOrigins+1)}); err == nil {
		t.Error("CreateClient() does not limit the number of allowed origins")
	}
	if _, err := s.CreateClient(t.Context(), passport.Registration{Name: "x", Audience: testkit.Issuer, AllowedOrigins: []string{"tauri://localhost"}}); err == nil {
		t.Error("CreateClient() accepts an allowed origin for an API, which gets no tokens")
	}
}
