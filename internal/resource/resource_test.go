package resource_test

import (
	"testing"

	"github.com/go-passport/passport/internal/resource"
)

func TestSame_FR_24_SpellingsOfOneResource(t *testing.T) {
	for _, same := range [][]string{
		{"https://mcp.example.com", "https://mcp.example.com/", "https://mcp.example.com:443", "https://mcp.example.com:443/", "https://MCP.Example.com", "HTTPS://mcp.example.com/", "https://mcp.example.com:"},
		{"http://localhost", "http://localhost:80/", "HTTP://LOCALHOST"},
		{"http://[::1]:80", "http://[::1]/"},
		{"https://mcp.example.com/v1", "https://mcp.example.com:443/v1", "https://MCP.example.com/v1"},
		{"https://mcp.example.com?tenant=1", "https://mcp.example.com/?tenant=1"},
		{"urn:example:api"},
	} {
		for _, a := range same {
			for _, b := range same {
				if !resource.Same(a, b) {
					t.Errorf("Same(%q, %q) = false, want true", a, b)
				}
			}
		}
	}
}

func TestSame_FR_24_MC_24_OtherResources(t *testing.T) {
	for _, pair := range [][2]string{
		{"https://mcp.example.com", "http://mcp.example.com"},
		{"https://mcp.example.com", "https://mcp.example.com:8443"},
		{"https://mcp.example.com", "https://mcp.example.com:80"},
		{"https://mcp.example.com:80", "http://mcp.example.com:80"},
		{"https://mcp.example.com", "https://mcp.example.com."},
		{"https://mcp.example.com", "https://mcp.example.com.evil.example"},
		{"https://mcp.example.com", "https://me@mcp.example.com"},
		{"https://mcp.example.com", "https://mcp.example.com//"},
		{"https://mcp.example.com", "https://mcp.example.com?x=1"},
		{"https://mcp.example.com", "https://mcp.example.com/?"},
		{"https://mcp.example.com/v1", "https://mcp.example.com/v1/"},
		{"https://mcp.example.com/v1", "https://mcp.example.com/V1"},
		{"https://mcp.example.com/v1", "https://mcp.example.com/%761"},
		{"https://mcp.example.com/v1", "https://mcp.example.com/x/../v1"},
		{"https://mcp.example.com", `https://mcp.example.com\`},
		{"https://kiwi.example", "https://\u212aiwi.example"},
		{"urn:example:api", "urn:example:API"},
		{"urn:example:api", "urn:example:api/"},
		{"://x", "://x/"},
		{"", "/"},
	} {
		if resource.Same(pair[0], pair[1]) {
			t.Errorf("Same(%q, %q) = true, want false", pair[0], pair[1])
		}
	}
}

func TestFind_FR_24_PrefersTheEqualURI(t *testing.T) {
	both := []string{"https://mcp.example.com", "https://mcp.example.com/"}
	for _, uri := range both {
		if got, ok := resource.Find(uri, both); !ok || got != uri {
			t.Errorf("Find(%q) = %q, %v, want itself", uri, got, ok)
		}
	}
	if got, ok := resource.Find("https://MCP.example.com", both); !ok || got != both[0] {
		t.Errorf("Find() = %q, %v, want the first one", got, ok)
	}
	if got, ok := resource.Find("https://other.example", both); ok {
		t.Errorf("Find() = %q, want nothing", got)
	}
}
