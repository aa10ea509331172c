package clients_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// CreateClient refuses names that a consent page cannot show.
func TestCreateClient_UI_04_Names(t *testing.T) {
	s := testkit.NewServer(t)
	for name, ok := range map[string]bool{
		"My App": true, "  trimmed  ": true, "日本語": true, "<script>": true, strings.Repeat("a", 255): true,
		"": false, "   ": false, "a\x00b": false, "a\nb": false, "\xff": false, strings.Repeat("a", 256): false, strings.Repeat("é", 128): false,
	} {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: name, RedirectURIs: []string{"https://app.example.com/"}})
		if (err == nil) != ok {
			t.Errorf("CreateClient() with the name %q = %v, want success: %v", name, err, ok)
		}
	}
}

// The redirect URIs that a client may register (RFC 9700 §2.6, RFC 8252 §7.1, §8.4).
func TestCreateClient_AZ_11_AZ_12_NeverRepeat_B5_B8_RedirectURIs(t *testing.T) {
	s := testkit.NewServer(t)
	plain := testkit.NewServer(t, func(c *passport.Config) { c.Issuer = "http://127.0.0.1:8000" })
	create := func(s *testkit.Server, uri string) error {
		_, err := s.CreateClient(t.Context(), passport.Registration{Name: "App", AuthMethod: oauth.AuthNone, RedirectURIs: []string{uri}})
		return err
	}
	for _, uri := range []string{
		"https://app.example.com/cb", "https://app.example.com", "https://app.example.com:8443/cb?a=b", "https://xn--mnchen-3ya.example/cb", "https://192.0.2.1/",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "http://localhost/cb",
		"com.example.app:/cb", "com.example.app://cb", "com.example.app:/cb?x=1", "com.example.app:cb",
	} {
		if err := create(s, uri); err != nil {
			t.Errorf("CreateClient() with the redirect URI %s = %v, want no error", uri, err)
		}
	}
	for _, uri := range []string{
		"", "/cb", "//app.example.com/cb", "app.example.com/cb", "https://", "https:///cb", "https:cb",
		"http://app.example.com/cb", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://127.0.0.2/cb", "http://0.0.0.0/",
		"https://app.example.com/cb#", "https://app.example.com/cb#x", "https://user@app.example.com/cb", "https://user:pw@app.example.com/cb", "https://@app.example.com/",
		"https://*.example.com/cb", "https://app.example.com/*", "https://app.example.com/cb?*", "https://app.example.com/../cb", "https://app.example.com/%2e%2e/cb",
		"javascript:alert(1)", "javascript://app.example.com/%0aalert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
		"data:text/html,<script>", "file:///etc/passwd", "blob:https://app.example.com/x", "vbscript:x", "about:blank", "ftp://app.example.com/cb",
		"myapp:/cb", "myapp://cb", "com.example.app:", "localhost:8080/cb", "https://app.example.com/cb\r\nX: y", "https://app.example.com/c b", `https://app.example.com\cb`,
		"https://app.example.com/cb?code=1", "https://app.example.com/" + strings.Repeat("a", 3000), "https://аpp.example.com/", "https://app.example.com/%zz", "https://[fe80::1%25eth0]/",
	} {
		if create(s, uri) == nil {
			t.Errorf("CreateClient() with the redirect URI %q = nil, want an error", uri)
		}
	}
	if err := create(plain, "http://app.example.com/cb"); err != nil {
		t.Errorf("CreateClient() with an http redirect URI at an http issuer = %v, want no error", err)
	}
	// The error has all faults. A valid URI does not hide an invalid one.
	_, err := s.CreateClient(t.Context(), passport.Registration{RedirectURIs: []string{"https://app.example.com/cb", "javascript:x", "http://evil.example"}})
	for _, want := range []string{"name is missing", "javascript:", "http://evil.example"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CreateClient() = %v, want %s in it", err, want)
		}
	}
}
