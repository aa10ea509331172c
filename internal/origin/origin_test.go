package origin_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/origin"
)

func TestCheck_FR_30_Origins(t *testing.T) {
	for _, text := range []string{
		"capacitor://localhost", "tauri://localhost", "ionic://localhost", "https://app.example.com", "https://app.example.com:8443", "http://localhost:5173",
		"http://tauri.localhost", "http://[::1]:3000", "http://192.0.2.1:8080", "chrome-extension://abcdefghijklmnop", "app://obsidian.md", "https://xn--bcher-kva.example", "http://app.example.com:443",
	} {
		if err := origin.Check(text); err != nil {
			t.Errorf("Check(%q) = %v, want nil", text, err)
		}
	}
	for text, says := range map[string]string{
		"":                                    "scheme://host",
		"null":                                "null",
		"*":                                   "wildcard",
		"https://*.example.com":               "wildcard",
		"app.example.com":                     "scheme://host",
		"localhost:3000":                      "scheme://host",
		"://app.example.com":                  "scheme://host",
		"1a://app.example.com":                "scheme://host",
		"https:app.example.com":               "scheme://host",
		"https://app.example.com/":            "path",
		"https://app.example.com/cb":          "path",
		"https://app.example.com?x":           "path",
		"https://app.example.com#x":           "path",
		"https://App.example.com":             "lower case",
		"HTTPS://app.example.com":             "lower case",
		"https://app.example.com:443":         "default port",
		"http://localhost:80":                 "default port",
		"https://app.example.com:":            "colon",
		"https://me@app.example.com":          "host",
		"https://":                            "host",
		"https://:8443":                       "host",
		"https://a b":                         "host",
		"https://a,https://b":                 "",
		"https://app.example.com:port":        "host",
		"https://bücher.example":              "host",
		"https://a.example\n":                 "host",
		"file://localhost":                    "null",
		"data://x":                            "null",
		"https://" + strings.Repeat("a", 248): "longer",
	} {
		if err := origin.Check(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Check(%q) = %v, want an error with %q", text, err, says)
		}
	}
}

func TestOf_FR_30(t *testing.T) {
	for uri, want := range map[string]string{
		"https://App.Example.com:443/cb?x": "https://app.example.com", "http://localhost:5173/cb": "http://localhost:5173", "http://localhost:443/": "http://localhost:443",
		"com.example.app:/cb": "", "cursor://app/cb": "", "": "", "https:///cb": "",
	} {
		if got := origin.Of(uri); got != want {
			t.Errorf("Of(%q) = %q, want %q", uri, got, want)
		}
	}
}
