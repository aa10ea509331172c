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
		"http://[2001:db8::1]", "http://a_b.example", "https://a.example.", "app://1", "chrome-extension://010.0.0.1",
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
		"http://[0:0:0:0:0:0:0:1]:3000":       "write [::1]",
		"http://[::ffff:127.0.0.1]":           "write [::ffff:7f00:1]",
		"tauri://[0:0::1]":                    "write [::1]",
		"http://[::1":                         "host",
		"http://127.1:3000":                   "four decimal numbers",
		"http://0x7f.1":                       "four decimal numbers",
		"http://2130706433":                   "four decimal numbers",
		"https://010.0.0.1":                   "four decimal numbers",
		"https://a.example:0443":              "without zeros",
		"capacitor://localhost:03000":         "without zeros",
		"https://a.example:0":                 "from 1 to 65535",
		"https://a.example:65536":             "from 1 to 65535",
		"https://a..example":                  "host",
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
		"http://[0:0::1]:3000/cb": "http://[::1]:3000", "https://a.example:0443/cb": "https://a.example", "com.example.app:/cb": "", "cursor://app/cb": "", "": "", "https:///cb": "",
	} {
		if got := origin.Of(uri); got != want {
			t.Errorf("Of(%q) = %q, want %q", uri, got, want)
		}
	}
}
