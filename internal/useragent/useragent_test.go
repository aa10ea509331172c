package useragent_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/useragent"
)

// The User-Agents are those that the browsers send (2026-11).
func TestBrowser_PA_3(t *testing.T) {
	const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/"
	const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	for agent, want := range map[string]string{
		windows:                    "Chrome on Windows",
		windows + " Edg/142.0.0.0": "Edge on Windows",
		windows + " OPR/120.0.0.0": "Opera on Windows",
		mac + "605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":                                                                                "Safari on macOS",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                                         "Firefox on Linux",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                                 "Chrome on ChromeOS",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                                "Chrome on Android",
		"Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36":     "Samsung Internet on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1":        "Safari on iPhone",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.46 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15":               "Firefox on iPad",
		"curl/8.14.1":                       "curl",
		"Mozilla/5.0 (Windows NT 10.0)":     "Unknown browser on Windows",
		"":                                  "Unknown browser",
		"<script>alert(1)</script>\x00\xff": "Unknown browser",
		strings.Repeat("x", 600) + "Firefox/145.0": "Unknown browser", // beyond what is read
	} {
		if got := useragent.Browser(agent); got != want {
			t.Errorf("Browser(%q) = %q, want %q", agent, got, want)
		}
	}
}

var ourWords = regexp.MustCompile(`^[A-Za-z ]{1,64}$`)

// No text of a User-Agent reaches the database or a page.
func FuzzBrowser(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
	f.Add("\xffEdg/<b>Windows")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := useragent.Browser(agent); !ourWords.MatchString(got) {
			t.Errorf("Browser(%q) = %q, want words of ours", agent, got)
		}
	})
}

func TestProgram_PA_4(t *testing.T) {
	for agent, want := range map[string]string{
		"curl/8.14.1":                         "curl/8.14.1",
		"python-requests/2.32.5":              "python-requests/2.32.5",
		"Dart/3.10 (dart:io)":                 "Dart/3.10",
		"MyApp/1.0 (iPhone; iOS 18.6) Safari": "MyApp/1.0",
		"":                                    "",
		" curl":                               "",
		"<script>alert(1)</script>":           "",
		"a\u202eb":                            "a",
		"a\x00b":                              "a",
		"é/1":                                 "",
		strings.Repeat("x", 600):              strings.Repeat("x", 64),
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox on Linux",
		"Mozilla/5.0 <b>": "Unknown browser",
	} {
		if got := useragent.Program(agent, 64); got != want {
			t.Errorf("Program(%q) = %q, want %q", agent, got, want)
		}
	}
}

// A header from outside can't change a page, a terminal or a log.
func FuzzProgram(f *testing.F) {
	f.Add("curl/8.5.0")
	f.Add("\xffEdg/<b>Windows")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := useragent.Program(agent, 64); len(got) > 64 || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' && r != ' ' || r > '~' || strings.ContainsRune(`<>"\()`, r) }) {
			t.Errorf("Program(%q) = %q, want at most 64 printable characters without markup", agent, got)
		}
	})
}
