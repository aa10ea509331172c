package redirect_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/redirect"
)

func TestValidate_AZ_11_AZ_12_Accepts(t *testing.T) {
	for _, uri := range []string{
		"https://app.example.com/callback",
		"https://app.example.com",
		"https://app.example.com:8443/cb?tenant=1",
		"https://app.example.com./cb",
		"https://xn--bcher-kva.example/cb",
		"https://my_app.internal/cb",
		"https://localhost/cb",
		"https://localhost:3000/cb",
		"https://192.0.2.1/cb",
		"https://[2001:db8::1]:8443/cb",
		"https://app.example.com/@user/cb;v=1/a%20b/a%2fb/~x/.well-known/...",
		"https://app.example.com/cb?next=%2F&x=a@b&y=//",
		"https://app.example.com/" + strings.Repeat("a", redirect.MaxBytes-24),
		"http://127.0.0.1/cb",
		"http://127.0.0.1:8000/cb",
		"http://[::1]:8000/cb",
		"http://localhost:8000/cb",
		"com.example.app:/cb", // no // the two slashes are optional (RFC 8252 §7.1)
		"com.example.app:cb",
		"com.example.app://cb",
		"com.example.App:/cb?x=1",
		"io.github.some-app:/",
	} {
		if err := (redirect.Rules{}).Validate(uri); err != nil {
			t.Errorf("Validate(%q) = %v, want nil", uri, err)
		}
	}
}

func TestValidate_AZ_11_AZ_12_NeverRepeat_B4_B5_B8_B16_Refuses(t *testing.T) {
	for _, tt := range []struct{ name, uri, says string }{
		{"empty", "", "empty"},
		{"relative", "/callback", "only a path"},
		{"without a scheme", "//app.example.com/cb", "https: in front"},
		{"host alone", "app.example.com/cb", "https:// in front"},
		{"host and port alone", "app.example.com:443", "in front"},
		{"host, port and path alone", "app.example.com:443/cb", "in front"},
		{"too long", "https://app.example.com/" + strings.Repeat("a", redirect.MaxBytes), "state"},
		{"fragment", "https://app.example.com/cb#x", "fragment"},
		{"empty fragment", "https://app.example.com/cb#", "fragment"},
		{"fragment on a private scheme", "com.example.app:/cb#x", "fragment"},
		{"B5 user", "https://user@app.example.com/cb", "@"},
		{"B5 user and password", "https://user:pw@app.example.com/cb", "@"},
		{"B5 empty user", "https://@app.example.com/cb", "@"},
		{"B5 host as a user", "https://app.example.com@attacker.example/cb", "@"},
		{"B5 two of them", "https://a@b@app.example.com/cb", ""},
		{"B5 on a private scheme", "com.example.app://user@cb", "@"},
		{"B5 on loopback", "http://127.0.0.1@attacker.example/", "@"},
		{"wildcard host", "https://*.example.com/cb", "wildcard"},
		{"wildcard path", "https://app.example.com/*", "wildcard"},
		{"wildcard port", "http://127.0.0.1:*/cb", "wildcard"},
		{"https in capitals", "HTTPS://app.example.com/cb", "capital"},
		{"http in capitals", "httP://[::1]", "capital"},
		{"http elsewhere", "http://app.example.com/cb", "https"},
		{"http on another loopback address", "http://127.0.0.2/cb", "https"},
		{"http on a name with this prefix", "http://localhost.example.com/cb", "https"},
		{"http on an address with this prefix", "http://127.0.0.1.example.com/cb", "https"},
		{"http on localhost in capitals", "http://LOCALHOST/cb", "write localhost"},
		{"http on all addresses", "http://0.0.0.0/cb", "https"},
		{"javascript", "javascript:alert(1)", "never"},
		{"javascript with slashes", "javascript://app.example.com/%0aalert(1)", "never"},
		{"JavaScript in capitals", "JAVASCRIPT:alert(1)", "never"},
		{"data", "data:text/html,x", "never"},
		{"file", "file:///etc/passwd", "never"},
		{"blob", "blob:https://app.example.com/x", "never"},
		{"vbscript", "vbscript:x", "never"},
		{"about", "about:blank", "never"},
		{"ftp", "ftp://app.example.com/cb", "never"},
		{"AZ-12 scheme without a dot", "myapp:/cb", "reverse"},
		{"urn", "urn:ietf:wg:oauth:2.0:oob", "reverse"},
		{"mailto", "mailto:a@example.com", "never"},
		{"scheme that ends with a dot", "app.:/cb", "reverse"},
		{"scheme with two dots", "com..app:/cb", "reverse"},
		{"scheme alone", "com.example.app:", "path"},
		{"space", "https://app.example.com/a b", "percent"},
		{"leading space", " https://app.example.com/", "remove it"},
		{"tab", "https://app.example.com/\t", "remove it"},
		{"line end", "https://app.example.com/cb\r\n", "remove it"},
		{"NUL", "https://app.example.com/\x00", "percent"},
		{"DEL", "https://app.example.com/\x7f", "percent"},
		{"line end in the scheme", "java\nscript:alert(1)", "percent"},
		{"B4 backslash", `https://app.example.com\cb`, "backslash"},
		{"B4 backslash before the host", `https:\\app.example.com/cb`, "backslash"},
		{"quote", `https://app.example.com/"onload=x`, "percent"},
		{"B8 tag", "https://app.example.com/<script>", "percent"},
		{"B4 not ASCII", "https://bücher.example/cb", "Punycode"},
		{"B4 letter of another alphabet", "https://аpp.example.com/cb", "Punycode"},
		{"invalid UTF-8", "https://app.example.com/\xff", "ASCII"},
		{"percent at the end", "https://app.example.com/cb%", "%25"},
		{"percent truncated", "https://app.example.com/cb%2", "%25"},
		{"percent without digits", "https://app.example.com/cb?x=%zz", "%25"},
		{"B4 dots", "https://app.example.com/x/../cb", "path"},
		{"B4 dots at the end", "https://app.example.com/..", "path"},
		{"B4 one dot", "https://app.example.com/./cb", "path"},
		{"B4 encoded dots", "https://app.example.com/x/%2e%2e/cb", "path"},
		{"B4 encoded dots, capitals", "https://app.example.com/x/.%2E/cb", "path"},
		{"B4 dots after an encoded slash", "https://app.example.com/x/..%2fcb", "path"},
		{"B4 encoded backslash", "https://app.example.com/x%5c../cb", "path"},
		{"B4 dots on a private scheme", "com.example.app:/x/../cb", "path"},
		{"B4 dots without authority", "com.example.app:../cb", "path"},
		{"B16 zone", "http://[::1%25lo]/cb", "zone"},
		{"B16 zone on https", "https://[fe80::1%25eth0]/cb", "zone"},
		{"B16 IPv6 truncated", "https://[::1/cb", ""},
		{"B16 IPv6 empty", "https://[]/cb", ""},
		{"B16 IPv6 with trailing data", "https://[::1]x/cb", ""},
		{"B16 not IPv6", "https://[xyz]/cb", ""},
		{"B16 IPv4 in brackets", "https://[127.0.0.1]/cb", ""},
		{"B16 IPv6 without brackets", "https://::1/cb", ""},
		{"B16 brackets in the wrong order", "https://]::1[/cb", ""},
		{"B16 future address", "https://[v1.x]/cb", ""},
		{"B16 IPv4 of two numbers", "https://127.1/cb", "IPv4"},
		{"B16 IPv4 as a number", "https://2130706433/cb", "IPv4"},
		{"B16 IPv4 in hexadecimal", "https://0x7f.0.0.1/cb", "IPv4"},
		{"B16 IPv4 in hexadecimal at the end", "https://127.0.0.0x1/cb", "IPv4"},
		{"B16 IPv4 out of range", "https://256.1.1.1/cb", "IPv4"},
		{"B16 IPv4 with zeros", "https://127.0.0.01/cb", "IPv4"},
		{"B16 IPv4 with a trailing dot", "https://127.0.0.1./cb", "IPv4"},
		{"no host", "https:///cb", "host"},
		{"no authority", "https:/cb", "host"},
		{"opaque", "https:cb", "host"},
		{"port alone", "https://:443/cb", "host"},
		{"empty port", "https://app.example.com:/cb", "port"},
		{"port 0", "https://app.example.com:0/cb", "port"},
		{"port out of range", "https://app.example.com:65536/cb", "port"},
		{"port with a leading zero", "https://app.example.com:0443/cb", "port"},
		{"port of letters", "https://app.example.com:http/cb", ""},
		{"encoded host", "https://app%2eexample.com/cb", ""},
		{"two dots in the host", "https://app..example.com/cb", "host"},
		{"leading dot in the host", "https://.example.com/cb", "host"},
		{"dot as the host", "https://./cb", "host"},
		{"semicolon in the host", "https://app.example.com;x/cb", "host"},
		{"comma in the host", "https://a.example,b.example/cb", "host"},
		{"AZ-17 parameter of the response", "https://app.example.com/cb?code=1", "code"},
		{"AZ-17 after another", "https://app.example.com/cb?a=1&state=2", "state"},
		{"AZ-17 encoded", "https://app.example.com/cb?%69ss", "iss"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := redirect.Rules{}.Validate(tt.uri)
			if err == nil {
				t.Fatalf("Validate(%q) = nil, want an error", tt.uri)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Validate(%q) = %v, want an error with %q", tt.uri, err, tt.says)
			}
			if len(tt.uri) > 20 && strings.Contains(err.Error(), tt.uri) {
				t.Errorf("Validate() repeats the URI in its error: %v", err)
			}
		})
	}
}

// If the issuer is http, as on a developer's machine, clients may use http too.
func TestValidate_HTTPWhileTheIssuerIsHTTP(t *testing.T) {
	for uri, want := range map[string]bool{
		"http://app.test/cb":          true,
		"http://192.168.1.20:3000/cb": true,
		"https://app.example.com/cb":  true,
		"http://user@app.test/cb":     false,
		"http://*.test/cb":            false,
		"http://app.test/cb#x":        false,
		"http://127.1/cb":             false,
		"javascript:alert(1)":         false,
		"ftp://app.test/cb":           false,
	} {
		if err := (redirect.Rules{HTTP: true}).Validate(uri); (err == nil) != want {
			t.Errorf("Validate(%q) for an http issuer = %v, want accepted = %v", uri, err, want)
		}
	}
}

// FuzzRedirect checks that nothing panics. Every URI that Validate accepts must
// have no user and no fragment, and AddParams must be able to extend it. Match
// must accept a registered URI exactly, or with a different port only.
func FuzzRedirect(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example.com/cb?x=1", "https://app.example.com/cb?x=1"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8000/cb"},
		{"http://[::1]:1/cb", "http://[::1]:2/cb"},
		{"http://localhost", "http://localhost:1"},
		{"com.example.app:/cb", "com.example.app:cb"},
		{"https://[::1%25lo]/cb", "http://[::1"},
		{"https://a@b/..%2f", `https:\\x`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, registered, requested string) {
		redirect.Host(requested)
		if (redirect.Rules{}).Validate(registered) == nil {
			checkAccepted(t, registered)
		}
		fit := redirect.Match([]string{registered}, true, requested)
		if exact := fit == redirect.Exact; exact != (registered == requested) {
			t.Fatalf("Match(%q, %q) = %v", registered, requested, fit)
		}
		if confidential := redirect.Match([]string{registered}, false, requested); confidential != fit && confidential != redirect.None {
			t.Fatalf("Match(%q, %q) = %v for a confidential client, %v for a public one", registered, requested, confidential, fit)
		}
		if fit != redirect.OtherPort {
			return
		}
		if !redirect.Loopback(registered) || !redirect.Loopback(requested) {
			t.Fatalf("Match(%q, %q) = %v", registered, requested, fit)
		}
		checkPortOnly(t, registered, requested)
	})
}

func checkAccepted(t *testing.T, uri string) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || !u.IsAbs() || u.User != nil || strings.ContainsAny(uri, "#* \\") || u.Opaque == "" && u.Host == "" && u.Path == "" {
		t.Fatalf("Validate() accepts %q", uri)
	}
	if (redirect.Rules{HTTP: true}).Validate(uri) != nil {
		t.Fatalf("Validate() refuses %q only if the issuer is http", uri)
	}
	web := redirect.HTTPS(uri) || redirect.Loopback(uri)
	if web == redirect.PrivateUse(uri) {
		t.Fatalf("%q must be exactly one of https, loopback or private-use", uri)
	}
	if web && (u.Hostname() == "" || redirect.Host(uri) != u.Host) {
		t.Fatalf("Host(%q) is wrong or empty", uri)
	}
	extended, err := url.Parse(redirect.AddParams(uri, redirect.Param{Name: "code", Value: "c&?#="}))
	if err != nil || extended.Host != u.Host || extended.EscapedPath() != u.EscapedPath() || extended.Opaque != u.Opaque {
		t.Fatalf("AddParams(%q) = %v, %v", uri, extended, err)
	}
	if !strings.HasPrefix(extended.RawQuery, u.RawQuery) || !strings.HasSuffix(extended.RawQuery, "code=c%26%3F%23%3D") {
		t.Fatalf("AddParams(%q) has the query %q", uri, extended.RawQuery)
	}
}

// checkPortOnly compares the two URIs with net/url, if it can parse them.
func checkPortOnly(t *testing.T, registered, requested string) {
	t.Helper()
	a, errA := url.Parse(registered)
	b, errB := url.Parse(requested)
	if errA != nil || errB != nil {
		if (redirect.Rules{}).Validate(registered) == nil {
			t.Fatalf("Match() accepts %q for %q: %v, %v", requested, registered, errA, errB)
		}
		return
	}
	a.Host, b.Host = a.Hostname(), b.Hostname()
	if *a != *b || b.User != nil {
		t.Fatalf("Match() accepts %q for %q", requested, registered)
	}
}

// Requests are compared byte for byte, and clients write scheme and host in lower case.
// A URI that is registered already stays valid.
func TestRegister_LowerCase(t *testing.T) {
	rules := redirect.Rules{Schemes: []string{"cursor"}}
	for uri, says := range map[string]string{
		"https://App.Example.com/Cb":   "write app.example.com",
		"https://a.EXAMPLE:8443?X=Y":   "write a.example:8443",
		"https://[2001:DB8::1]/cb":     "write [2001:db8::1]",
		"https://XN--bcher-kva.test/":  "write xn--bcher-kva.test",
		"Cursor://example/callback":    "write cursor",
		"com.example.App:/cb":          "",
		"https://app.example.com/Cb?A": "",
		"cursor://Example/Callback":    "",
		"com.example.app:Cb":           "",
	} {
		if err := rules.Validate(uri); err != nil {
			t.Errorf("Validate(%q) = %v, want nil: it may be registered already", uri, err)
		}
		if err := rules.Register(uri); (err == nil) != (says == "") || err != nil && !strings.HasSuffix(err.Error(), says) {
			t.Errorf("Register(%q) = %v, want an error that ends with %q", uri, err, says)
		}
	}
	if err := rules.Register("https://app.example.com/cb#x"); err == nil {
		t.Error("Register accepts a URI that Validate refuses")
	}
}
