package redirect_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/redirect"
)

// Match uses simple string comparison (RFC 9700 §2.1, RFC 3986 §6.2.1).
func TestMatch_AZ_08_NeverRepeat_B1_B3_B4_ByteForByte(t *testing.T) {
	registered := []string{"https://app.example.com/Callback?a=1&b=2", "https://app.example.com/cb"}
	for _, requested := range registered {
		for _, public := range []bool{false, true} {
			if got := redirect.Match(registered, public, requested); got != redirect.Exact {
				t.Errorf("Match(%q) = %v, want Exact", requested, got)
			}
		}
	}
	for name, requested := range map[string]string{
		"empty":                       "",
		"B1 case of the path":         "https://app.example.com/callback?a=1&b=2",
		"case of the host":            "https://APP.example.com/cb",
		"case of the scheme":          "HTTPS://app.example.com/cb",
		"default port":                "https://app.example.com:443/cb",
		"another port":                "https://app.example.com:8443/cb",
		"B3 a host with this suffix":  "https://attacker-app.example.com/cb",
		"B3 a subdomain":              "https://x.app.example.com/cb",
		"B3 a host with this prefix":  "https://app.example.com.attacker.example/cb",
		"B3 another scheme":           "ftp://app.example.com/cb",
		"B3 without TLS":              "http://app.example.com/cb",
		"B3 another path":             "https://app.example.com/other",
		"B4 a path below":             "https://app.example.com/cb/x",
		"B4 a path above":             "https://app.example.com/",
		"B4 trailing slash":           "https://app.example.com/cb/",
		"B4 added query":              "https://app.example.com/cb?x=1",
		"B4 empty query":              "https://app.example.com/cb?",
		"B4 path parameters":          "https://app.example.com/cb;x=1",
		"B4 fragment":                 "https://app.example.com/cb#x",
		"B4 empty fragment":           "https://app.example.com/cb#",
		"B4 user":                     "https://user@app.example.com/cb",
		"B4 this host as a user":      "https://app.example.com@attacker.example/cb",
		"B4 encoded letter":           "https://app.example.com/%63b",
		"B4 encoded dots":             "https://app.example.com/x/%2e%2e/cb",
		"B4 dots":                     "https://app.example.com/x/../cb",
		"B4 backslash":                `https://app.example.com\cb`,
		"B4 backslash before a host":  `https://attacker.example\@app.example.com/cb`,
		"B4 host in another alphabet": "https://аpp.example.com/cb",
		"B4 full-width dot":           "https://app。example.com/cb",
		"B4 space":                    "https://app.example.com/cb ",
		"B4 line end":                 "https://app.example.com/cb\n",
		"B4 NUL":                      "https://app.example.com/cb\x00",
		"query in another order":      "https://app.example.com/Callback?b=2&a=1",
		"query truncated":             "https://app.example.com/Callback?a=1",
		"no query":                    "https://app.example.com/Callback",
		"without a scheme":            "//app.example.com/cb",
		"two registered URIs at once": "https://app.example.com/cb https://app.example.com/cb",
	} {
		t.Run(name, func(t *testing.T) {
			for _, public := range []bool{false, true} {
				if got := redirect.Match(registered, public, requested); got != redirect.None {
					t.Errorf("Match(%q, public %v) = %v, want no match", requested, public, got)
				}
			}
		})
	}
}

// Only the port of a loopback URI may differ (RFC 8252 §7.3): for a public client
// always, for a confidential one if the URI was registered without a port.
func TestMatch_FR_23_AZ_09_AZ_10_NeverRepeat_B2_LoopbackPort(t *testing.T) {
	const exact, other, none = redirect.Exact, redirect.OtherPort, redirect.None
	registered := []string{
		"https://app.example.com/cb", // another kind of URI makes no difference
		"http://127.0.0.1/cb?x=1", "http://[::1]:8000/cb", "http://localhost:3000", "http://localhost/callback", "com.example.app:/cb",
	}
	for _, tt := range []struct {
		requested            string
		public, confidential redirect.Fit
	}{
		{"http://127.0.0.1/cb?x=1", exact, exact},
		{"http://127.0.0.1:1/cb?x=1", other, other},
		{"http://127.0.0.1:65535/cb?x=1", other, other},
		{"http://[::1]:8000/cb", exact, exact},
		{"http://[::1]:49152/cb", other, none},
		{"http://[::1]/cb", other, none},
		{"http://localhost:3000", exact, exact},
		{"http://localhost:3001", other, none},
		{"http://localhost", other, none},
		{"http://localhost/callback", exact, exact},
		{"http://localhost:51234/callback", other, other},
		{"com.example.app:/cb", exact, exact},
		{"https://app.example.com:8443/cb", none, none},
	} {
		if got := redirect.Match(registered, true, tt.requested); got != tt.public {
			t.Errorf("Match(%q) for a public client = %v, want %v", tt.requested, got, tt.public)
		}
		if got := redirect.Match(registered, false, tt.requested); got != tt.confidential {
			t.Errorf("Match(%q) for a confidential client = %v, want %v", tt.requested, got, tt.confidential)
		}
	}
	for name, requested := range map[string]string{
		"another path":                "http://127.0.0.1:9000/other?x=1",
		"another query":               "http://127.0.0.1:9000/cb?x=2",
		"added query":                 "http://127.0.0.1:9000/cb?x=1&y=1",
		"no query":                    "http://127.0.0.1:9000/cb",
		"trailing slash":              "http://localhost:3001/",
		"another name for the host":   "http://localhost:9000/cb?x=1",
		"another loopback address":    "http://127.0.0.2:9000/cb?x=1",
		"a short IPv4 form":           "http://127.1:9000/cb?x=1",
		"an IPv4 address as a number": "http://2130706433:9000/cb?x=1",
		"IPv6 for IPv4":               "http://[::ffff:127.0.0.1]:9000/cb?x=1",
		"another spelling of [::1]":   "http://[0:0:0:0:0:0:0:1]:9000/cb",
		"a zone":                      "http://[::1%25lo]:9000/cb",
		"https":                       "https://127.0.0.1:9000/cb?x=1",
		"case of the scheme":          "HTTP://127.0.0.1:9000/cb?x=1",
		"case of the host":            "http://LOCALHOST:9000",
		"a user":                      "http://127.0.0.1:9000@attacker.example/cb?x=1",
		"a user without port":         "http://127.0.0.1@attacker.example/cb?x=1",
		"a host with this prefix":     "http://127.0.0.1.attacker.example/cb?x=1",
		"a name with this prefix":     "http://localhost.attacker.example:3000",
		"port 0":                      "http://127.0.0.1:0/cb?x=1",
		"port out of range":           "http://127.0.0.1:65536/cb?x=1",
		"port of 30 digits":           "http://127.0.0.1:" + strings.Repeat("9", 30) + "/cb?x=1",
		"port with a leading zero":    "http://127.0.0.1:08000/cb?x=1",
		"empty port":                  "http://127.0.0.1:/cb?x=1",
		"port with a sign":            "http://127.0.0.1:+80/cb?x=1",
		"port in other digits":        "http://127.0.0.1:٨٠/cb?x=1",
		"two ports":                   "http://127.0.0.1:80:80/cb?x=1",
		"fragment":                    "http://127.0.0.1:9000/cb?x=1#f",
		"backslash":                   `http://127.0.0.1:9000\cb?x=1`,
		"a port on a private scheme":  "com.example.app:80/cb",
	} {
		t.Run(name, func(t *testing.T) {
			if got := redirect.Match(registered, true, requested); got != redirect.None {
				t.Errorf("Match(%q) = %v, want no match", requested, got)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for _, tt := range []struct {
		uri                         string
		https, loopback, privateUse bool
		host                        string
	}{
		{"https://app.example.com:8443/cb", true, false, false, "app.example.com:8443"},
		{"https://localhost/cb", true, false, false, "localhost"},
		{"https:///cb", true, false, false, ""},
		{"http://127.0.0.1:80/cb", false, true, false, "127.0.0.1:80"},
		{"http://[::1]/cb", false, true, false, "[::1]"},
		{"http://localhost", false, true, false, "localhost"},
		{"http://localhost.example.com/", false, false, false, "http://localhost.example.com"},
		{"http://app.example.com/cb", false, false, false, "http://app.example.com"},
		{"com.example.app:/cb", false, false, true, "com.example.app"},
		{"com.example.app:cb?x=https://y", false, false, true, "com.example.app"},
		{"com.example.app://host/cb", false, false, true, "com.example.app"},
		{"myapp:/cb", false, false, true, "myapp"}, // if the operator admits the scheme
		{"cursor://app/cb", false, false, true, "cursor"},
		{"javascript:alert(1)", false, false, false, "javascript"},
		{"wss://app.example.com/cb", false, false, false, "wss"},
		{"/path.with:colon", false, false, false, ""},
		{"", false, false, false, ""},
		{":", false, false, false, ""},
	} {
		if redirect.HTTPS(tt.uri) != tt.https || redirect.Loopback(tt.uri) != tt.loopback || redirect.PrivateUse(tt.uri) != tt.privateUse {
			t.Errorf("%q: HTTPS(), Loopback(), PrivateUse() = %v, %v, %v", tt.uri, redirect.HTTPS(tt.uri), redirect.Loopback(tt.uri), redirect.PrivateUse(tt.uri))
		}
		if got := redirect.Host(tt.uri); got != tt.host {
			t.Errorf("Host(%q) = %q, want %q", tt.uri, got, tt.host)
		}
	}
}

// AddParams does not change the registered query (RFC 6749 §3.1.2, §4.1.2).
func TestAddParams_AZ_17(t *testing.T) {
	params := []redirect.Param{{Name: "code", Value: "a+b/c="}, {Name: "state"}, {Name: "iss", Value: "https://app.example.com"}}
	const added = "code=a%2Bb%2Fc%3D&iss=https%3A%2F%2Fapp.example.com"
	for uri, want := range map[string]string{
		"https://app.example.com":                        "https://app.example.com?" + added,
		"https://app.example.com/cb":                     "https://app.example.com/cb?" + added,
		"https://app.example.com/cb?":                    "https://app.example.com/cb?" + added,
		"https://app.example.com/cb?b=2&a=1":             "https://app.example.com/cb?b=2&a=1&" + added,
		"https://app.example.com/cb?b=2&":                "https://app.example.com/cb?b=2&" + added,
		"https://app.example.com/cb?x=%7e+y;z&x=1&=&%41": "https://app.example.com/cb?x=%7e+y;z&x=1&=&%41&" + added,
		"https://app.example.com/cb?to=https://a?b":      "https://app.example.com/cb?to=https://a?b&" + added,
		"com.example.app:/cb":                            "com.example.app:/cb?" + added,
		"com.example.app:cb?x=1":                         "com.example.app:cb?x=1&" + added,
		"com.example.app://cb":                           "com.example.app://cb?" + added,
		"http://[::1]:8000/cb":                           "http://[::1]:8000/cb?" + added,
	} {
		if got := redirect.AddParams(uri, params...); got != want {
			t.Errorf("AddParams(%q) = %q, want %q", uri, got, want)
		}
	}
	for _, uri := range []string{"https://app.example.com/cb?x", "com.example.app:/cb"} {
		if got := redirect.AddParams(uri, redirect.Param{Name: "state"}); got != uri {
			t.Errorf("AddParams(%q) without values = %q, want no change", uri, got)
		}
	}
	state := "é \"<>\r\n\x00&=#%+" + strings.Repeat("s", 2048)
	u, err := url.Parse(redirect.AddParams("https://app.example.com/cb", redirect.Param{Name: "state", Value: state}))
	if err != nil || u.Query().Get("state") != state {
		t.Errorf("the state after AddParams() = %q, %v, want it unchanged", u.Query().Get("state"), err)
	}
}

// The fragment is form-encoded, and the registered query does not change (RFC
// 6749 §4.2.2). A parameter with Always is present even without a value.
func TestAddFragment_AZ_17(t *testing.T) {
	params := []redirect.Param{
		{Name: "access_token", Value: "a.b-_"}, {Name: "state", Value: "é \"<>\r\n\x00&=#%+?"}, {Name: "error"}, {Name: "scope", Always: true},
	}
	const added = "#access_token=a.b-_&state=%C3%A9+%22%3C%3E%0D%0A%00%26%3D%23%25%2B%3F&scope="
	for _, uri := range []string{
		"https://app.example.com", "https://app.example.com/cb?", "https://app.example.com/cb?b=2&a=%7e+y;z&", "com.example.app:/cb", "http://[::1]:8000/cb?x",
	} {
		got := redirect.AddFragment(uri, params...)
		if got != uri+added {
			t.Errorf("AddFragment(%q) = %q, want it to end with %q", uri, got, added)
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		told, err := url.ParseQuery(u.EscapedFragment())
		if err != nil || told.Get("state") != params[1].Value || !told.Has("scope") {
			t.Errorf("the fragment of %q = %v, %v, want the parameters", got, told, err)
		}
	}
}
