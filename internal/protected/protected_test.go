package protected_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/protected"
)

// RFC 9728 §3.1: the well-known path is between the host and the path.
func TestPath_PR_01(t *testing.T) {
	for resource, want := range map[string]string{
		"https://api.example.com":             "https://api.example.com/.well-known/oauth-protected-resource",
		"https://api.example.com/":            "https://api.example.com/.well-known/oauth-protected-resource",
		"https://api.example.com/orders":      "https://api.example.com/.well-known/oauth-protected-resource/orders",
		"https://api.example.com/v1/orders":   "https://api.example.com/.well-known/oauth-protected-resource/v1/orders",
		"HTTPS://API.example.com:443/Orders":  "https://api.example.com/.well-known/oauth-protected-resource/Orders",
		"http://127.0.0.1:8001":               "http://127.0.0.1:8001/.well-known/oauth-protected-resource",
		"https://api.example.com/orders/":     "",
		"https://api.example.com/a//b":        "",
		"https://api.example.com/a/../b":      "",
		"https://api.example.com/{id}":        "",
		"https://api.example.com/a%2Fb":       "",
		"https://api.example.com/orders?a=b":  "",
		"https://api.example.com?":            "",
		"https://me@api.example.com":          "",
		"https://api.example.com/orders#part": "",
		"urn:example:api":                     "",
		"custom://api.example.com":            "",
		"orders":                              "",
		"":                                    "",
		"://":                                 "",
	} {
		if got := protected.URL(resource); got != want {
			t.Errorf("URL(%q) = %q, want %q", resource, got, want)
		}
		path, ok := protected.Path(resource)
		if ok != (want != "") || ok && !strings.HasSuffix(want, path) {
			t.Errorf("Path(%q) = %q, %v, want the path of %q", resource, path, ok, want)
		}
	}
}

func TestAt_PR_04(t *testing.T) {
	const site = "https://app.example.com/tenant"
	for resource, want := range map[string]string{
		site:                              "https://app.example.com/.well-known/oauth-protected-resource/tenant",
		"https://APP.example.com:443/api": "https://app.example.com/.well-known/oauth-protected-resource/api",
		"https://api.example.com":         "",
		"http://app.example.com":          "",
		"https://app.example.com:8443":    "",
		"urn:example:api":                 "",
	} {
		if got := protected.At(site, resource); got != want {
			t.Errorf("At(%q, %q) = %q, want %q", site, resource, got, want)
		}
	}
}

func TestResource_PR_01_PR_03(t *testing.T) {
	r := protected.New("https://api.example.com", "https://auth.example.com", "Orders", []string{"read", "offline_access", "write"})
	want := `{"resource":"https://api.example.com","resource_name":"Orders","authorization_servers":["https://auth.example.com"],` +
		`"scopes_supported":["read","write"],"bearer_methods_supported":["header"]}` + "\n"
	if got := string(r.JSON()); got != want {
		t.Errorf("JSON() = %s, want %s", got, want)
	}
	want = `{"resource":"https://api.example.com","authorization_servers":["https://auth.example.com"],"bearer_methods_supported":["header"]}` + "\n"
	if got := string(protected.New("https://api.example.com", "https://auth.example.com", "", []string{"offline_access"}).JSON()); got != want {
		t.Errorf("JSON() = %s, want %s", got, want)
	}
}
