package safeurl_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/safeurl"
)

func TestText_FR_45(t *testing.T) {
	for value, want := range map[string]string{
		// Values without a secret stay unchanged.
		"": "", "app.example.com": "app.example.com", ":8000": ":8000", "127.0.0.1:8000": "127.0.0.1:8000", "127.0.0.1:80000": "127.0.0.1:80000",
		"::1": "::1", "[::1]:8000": "[::1]:8000", "localhost": "localhost", "/oauth": "/oauth", "https://": "https://",
		"https://app.example.com/auth": "https://app.example.com/auth", "HTTPS://[::1]:8443/": "HTTPS://[::1]:8443/", "https://a/#": "https://a/#", "https://a?": "https://a?",
		"sqlite:/var/app.db": "sqlite:/var/app.db", "com.example.app:/cb": "com.example.app:/cb", "https://a%zz/": "https://a%zz/", "https://a/b c": "https://a/b c",
		"postgres://h1:5432,h2:5433/d": "postgres://h1:5432,h2:5433/d",

		// User info, query and fragment are hidden.
		"https://admin:canary@host":                 "https://…@host",
		"https://canary@host/auth":                  "https://…@host/auth",
		"https://host/auth?key=canary":              "https://host/auth?…",
		"https://host/auth#canary":                  "https://host/auth#…",
		"https://u:canary@host/?key=canary#canary":  "https://…@host/?…",
		"postgres://u:canary@h:5432,g:1/d?a=canary": "postgres://…@h:5432,g:1/d?…",
		"sqlite:/x.db?key=canary":                   "sqlite:/x.db?…",
		"127.0.0.1:8000?canary":                     "127.0.0.1:8000?…",

		// A password that is not encoded has no clear end.
		"postgres://u:canary@canary@h/d": "postgres://…@h/d", "postgres://u:canary/canary@h/d": "postgres://…@h/d",
		"postgres://u:canary?canary@h/d": "postgres://…", "postgres://u:canary#canary@h/d": "postgres://…", "https://h/?mail=a@canary": "https://…",
		"postgres://u:canary": "postgres://…", "postgres://u:canary/d": "postgres://…", "postgres://u:p%40canary/d": "postgres://…", "https://[canary]/": "https://…",

		// Neither have database URLs without // and data source names.
		"postgres:canary": "postgres:…", "mysql:canary@h/d": "…", "canary:canary@tcp(h:3306)/d": "…", "canary@h": "…", "/canary@h": "…",
		"host=h user=u password=canary": "…", "sqlite:canary@h": "…", "u:canary:80": "u:…", "u:can ary": "u:…", "a b": "a b", "our token: ": "our token: ", "[canary]:80": "…", "canary ://h": "…",
	} {
		got := safeurl.Text(value)
		if got != want || strings.Contains(got, "canary") {
			t.Errorf("Text(%q) = %q, want %q", value, got, want)
		}
	}
}

// Text hides a password without a delimiter in every part of a URL that can contain
// one.
func FuzzText(f *testing.F) {
	f.Add("https", "user", "host", "/auth")
	f.Add("postgres", "a@b", "h1:1,h2", "/d?x=y")
	f.Fuzz(func(t *testing.T, scheme, user, host, path string) {
		const canary = "cAnAry-17"
		if strings.Contains(scheme+user+host+path, canary) {
			return // the canary is in a part that may be shown
		}
		for _, value := range []string{
			scheme + "://" + user + ":" + canary + "@" + host + path,
			scheme + "://" + user + ":" + canary + "@" + canary + "@" + host + path,
			scheme + "://" + host + "/?" + path + canary,
			scheme + "://" + host + "/#" + path + canary,
		} {
			if got := safeurl.Text(value); strings.Contains(got, canary) {
				t.Errorf("Text(%q) = %q, which shows the secret", value, got)
			}
		}
	})
}
