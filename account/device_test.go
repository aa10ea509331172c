package account_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/account"
)

// The User-Agents are those that the browsers send (2026-11).
func TestDevice_PA_3(t *testing.T) {
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
		if got := account.Device(agent); got != want {
			t.Errorf("device(%q) = %q, want %q", agent, got, want)
		}
	}
}

var ourWords = regexp.MustCompile(`^[A-Za-z ]{1,64}$`)

// No text of a User-Agent reaches the database or a page.
func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
	f.Add("\xffEdg/<b>Windows")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := account.Device(agent); !ourWords.MatchString(got) {
			t.Errorf("device(%q) = %q, want words of ours", agent, got)
		}
	})
}
