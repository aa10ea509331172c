package nearest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/nearest"
)

func TestURI_FR_23_NamesThePartThatDiffers(t *testing.T) {
	registered := []string{"com.example.app:/cb", "https://app.example.com/cb", "https://app.example.com/cb?x=1", "http://localhost:3000/callback"}
	for sent, want := range map[string]string{
		"http://app.example.com/cb":      `"https://app.example.com/cb", which differs in the scheme (sent "http://", registered "https://")`,
		"HTTPS://app.example.com/cb":     `"https://app.example.com/cb", which differs in the case of the scheme (sent "HTTPS://", registered "https://")`,
		"https://app.example.org/cb":     `"https://app.example.com/cb", which differs in the host (sent "app.example.org", registered "app.example.com")`,
		"https://App.example.com/cb":     `"https://app.example.com/cb", which differs in the case of the host (sent "App.example.com", registered "app.example.com")`,
		"https://app.example.com:80/cb":  `"https://app.example.com/cb", which differs in the port (sent ":80", registered "")`,
		"https://app.example.com/cb/":    `"https://app.example.com/cb", which differs in the trailing slash of the path (sent "/cb/", registered "/cb")`,
		"https://app.example.com/CB":     `"https://app.example.com/cb", which differs in the case of the path (sent "/CB", registered "/cb")`,
		"https://app.example.com/c%62":   `"https://app.example.com/cb", which differs in the percent-encoding of the path (sent "/c%62", registered "/cb")`,
		"https://app.example.com/cb ":    `"https://app.example.com/cb", which differs in the spaces of the path (sent "/cb ", registered "/cb")`,
		"https://app.example.com/cb#":    `"https://app.example.com/cb", which differs in the fragment (sent "#", registered "")`,
		"https://app.example.com/cb?x=2": `"https://app.example.com/cb?x=1", which differs in the query`,
		"https://a:b@app.example.com/cb": `"https://app.example.com/cb", which differs in the user name`,
		"http://localhost:3001/cb":       `"http://localhost:3000/callback", which differs in the port (sent ":3001", registered ":3000") and the path (sent "/cb", registered "/callback")`,
		"localhost:3000/callback":        `"http://localhost:3000/callback", which differs in the scheme (sent "", registered "http://")`,
		"app.example.com/cb":             `"https://app.example.com/cb", which differs in the scheme (sent "", registered "https://")`,
		"com.example.app://cb":           `"com.example.app:/cb", which differs in the scheme (sent "com.example.app://", registered "com.example.app:")`,
		"http://[::1]:3000/callback":     `"http://localhost:3000/callback", which differs in the host (sent "[::1]", registered "localhost")`,
		"":                               `"com.example.app:/cb", which differs in `,
	} {
		if got := nearest.URI(sent, registered); !strings.HasPrefix(got, "the nearest registered value is "+want) {
			t.Errorf("URI(%q) = %s\nwant the nearest registered value is %s", sent, got, want)
		}
	}
	if got := nearest.URI("https://app.example.com/cb", nil); got != "none is registered" {
		t.Errorf(`URI() without registered values = %q, want "none is registered"`, got)
	}
}

func TestWord_FR_23_NamesTheNearestScope(t *testing.T) {
	registered := []string{"read", "orders:read", "orders:write", "https://api.example.com/auth/read"}
	for sent, want := range map[string]string{
		"Read":                               `"read", which differs in the case (sent "Read", registered "read")`,
		"orders.read":                        `"orders:read", which differs in the spelling (sent "orders.read", registered "orders:read")`,
		"order:write":                        `"orders:write", which differs in the spelling`,
		"https://api.example.com/auth/read/": `"https://api.example.com/auth/read", which differs in the trailing slash of the path`,
	} {
		if got := nearest.Word(sent, registered); !strings.HasPrefix(got, "the nearest registered value is "+want) {
			t.Errorf("Word(%q) = %s\nwant the nearest registered value is %s", sent, got, want)
		}
	}
}

// The log has no secrets of a value from outside.
func TestShown_FR_08_FR_23_HidesSecrets(t *testing.T) {
	for value, want := range map[string]string{
		"read":                                                "read",
		"https://app.example.com:8443/cb":                     "https://app.example.com:8443/cb",
		"http://[::1]:3000/cb":                                "http://[::1]:3000/cb",
		"com.example.app:/cb":                                 "com.example.app:/cb",
		"https://ada:hunter2@app.example.com/cb":              "https://…@app.example.com/cb",
		"https://ada:hun/ter2@app.example.com/cb":             "https://…@app.example.com/cb",
		"https://app.example.com/cb?token=hunter2&x=&hunter2": "https://app.example.com/cb?token=…&x=&…",
		"https://app.example.com/cb#token=hunter2":            "https://app.example.com/cb#…",
		"https://app.example.com/@ada/cb":                     "https://app.example.com/@ada/cb",
		"//ada:hunter2@app.example.com":                       "//…@app.example.com",
		"ada:hunter2@app.example.com/cb":                      "",
	} {
		got := nearest.Shown(value)
		if want != "" && got != want || strings.Contains(got, "hunter2") {
			t.Errorf("Shown(%q) = %q, want %q", value, got, want)
		}
		if text := nearest.URI(value, []string{"https://app.example.com/cb"}); strings.Contains(text, "hunter2") {
			t.Errorf("URI(%q) = %s, want no secret", value, text)
		}
	}
	if got := nearest.Shown("https://app.example.com/" + strings.Repeat("x", 5000)); len(got) > 200 {
		t.Errorf("Shown() of a long value has %d bytes, want at most 200", len(got))
	}
}

// A client may have many long URIs and may send a long URI. The work and the text
// are bounded.
func TestURI_FR_23_IsBounded(t *testing.T) {
	var registered []string
	for i := range 5000 {
		registered = append(registered, fmt.Sprintf("https://app.example.com/%s/%d", strings.Repeat("x", 2000), i))
	}
	for name, sent := range map[string]string{
		"a typing mistake": registered[3] + "/",
		"8 KB":             registered[3] + strings.Repeat("y", 6000),
		"other bytes":      "https://app.example.com/" + strings.Repeat("\x00\xff\n", 2700),
		"separators":       strings.Repeat("://@:/?#", 1000),
	} {
		start := time.Now()
		got := nearest.URI(sent, registered)
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: URI() took %v, want far less than a second", name, took)
		}
		if len(got) > 2<<10 || strings.ContainsAny(got, "\n\x00") {
			t.Errorf("%s: URI() returns %d bytes: %.300q", name, len(got), got)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("https://a@b:1/c?d#e", "https://b/c")
	f.Add("a:b", "a://b")
	f.Add("", "::")
	f.Fuzz(func(t *testing.T, sent, registered string) {
		got := nearest.URI(sent, []string{registered})
		if sent != registered && !strings.Contains(got, ", which differs in the ") {
			t.Fatalf("URI(%q, %q) = %q, want a part that differs in it", sent, registered, got)
		}
	})
}
