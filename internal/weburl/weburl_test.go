package weburl_test

import (
	"testing"

	"github.com/go-passport/passport/internal/weburl"
)

func TestCanonical_FR_50(t *testing.T) {
	for raw, want := range map[string]string{
		"https://auth.example.com":                  "https://auth.example.com",
		"https://auth.example.com/a/b":              "https://auth.example.com/a/b",
		"http://127.0.0.1:8000":                     "http://127.0.0.1:8000",
		"https://müller.example":                    "https://xn--mller-kva.example",
		"https://MÜLLER.example":                    "https://xn--mller-kva.example",
		"https://m%C3%BCller.example":               "https://xn--mller-kva.example",
		"https://bücher.example":                    "https://xn--bcher-kva.example",
		"https://例え.テスト":                            "https://xn--r8jz45g.xn--zckzah",
		"https://例え。テスト":                            "https://xn--r8jz45g.xn--zckzah",
		"https://пример.испытание":                  "https://xn--e1afmkfd.xn--80akhbyknj4f",
		"https://straße.example":                    "https://xn--strae-oqa.example",
		"https://a-ü-ö.example":                     "https://xn--a---una2a.example",
		"https://auth.example.com:443":              "https://auth.example.com",
		"http://auth.example.com:80/a":              "http://auth.example.com/a",
		"https://auth.example.com:08443":            "https://auth.example.com:8443",
		"https://auth.example.com:":                 "https://auth.example.com",
		"HTTPS://Auth.Example.COM":                  "https://auth.example.com",
		"https://auth.example.com.":                 "https://auth.example.com",
		"https://auth.example.com.:443/":            "https://auth.example.com",
		"https://auth.example.com/":                 "https://auth.example.com",
		"https://auth.example.com/a/":               "https://auth.example.com/a",
		"https://auth.example.com//a/../b":          "https://auth.example.com/b",
		"https://auth.example.com/%61":              "https://auth.example.com/a",
		"https://me:secret@auth.example.com/?a#b":   "https://auth.example.com",
		"https://[2001:DB8:0:0:0:0:0:1]":            "https://[2001:db8::1]",
		"https://[0000:0000::1]:443":                "https://[::1]",
		"https://[::ffff:192.0.2.1]":                "https://[::ffff:c000:201]",
		" https://auth.example.com ":                "https://auth.example.com",
		"https://me:p@ss@auth.example.com":          "",
		"https://me:se/cret@auth.example.com":       "",
		"https://me:123/cret@auth.example.com":      "",
		"https://me:123?cret@auth.example.com":      "",
		"https://me:123#cret@auth.example.com":      "",
		"":                                          "",
		"auth.example.com":                          "",
		"ftp://auth.example.com":                    "",
		"https://":                                  "",
		"https://a..b":                              "",
		"https://127.1":                             "",
		"https://010.0.0.1":                         "",
		"https://[::1%25eth0]":                      "",
		"https://auth.example.com:0":                "",
		"https://auth.example.com:99999":            "",
		"https://mu\u0308ller.example":              "",
		"https://*.example.com":                     "",
		"https://" + string(make([]byte, 3)) + ".a": "",
	} {
		got, ok := weburl.Canonical(raw)
		if got != want || ok != (want != "") {
			t.Errorf("Canonical(%q) = %q, %v, want %q", raw, got, ok, want)
		}
		if again, _ := weburl.Canonical(got); again != got {
			t.Errorf("Canonical(%q) = %q: it is not stable", got, again)
		}
	}
}
