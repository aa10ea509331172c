package redirect_test

import (
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/redirect"
)

// A scheme that the operator admits is valid, and no other.
func TestValidate_FR_31_AdmittedSchemes(t *testing.T) {
	rules := redirect.Rules{Schemes: []string{"cursor", "vscode-insiders", "claude", "ms-app+x"}}
	for uri, want := range map[string]string{
		"cursor://anysphere.cursor-retrieval/oauth/user-abc/callback": "",
		"cursor:/callback":                  "",
		"cursor:callback":                   "",
		"CURSOR://x/callback":               "",
		"vscode-insiders://publisher.ext/x": "",
		"ms-app+x://s-1-15/":                "",
		"com.example.app:/callback":         "",
		"cursors://x/callback":              "AllowedRedirectSchemes",
		"curso://x/callback":                "AllowedRedirectSchemes",
		"cursor:":                           "path",
		"cursor://me@x/callback":            "user name",
		"cursor://x/callback#top":           "fragment",
		"cursor://x/../callback":            "path",
		"cursor://x/callback?code=1":        "code",
		"cursor://*/callback":               "wildcard",
	} {
		switch err := rules.Validate(uri); {
		case want == "" && err != nil:
			t.Errorf("Validate(%q) = %v, want nil: the operator admits the scheme", uri, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("Validate(%q) = %v, want an error with %q", uri, err, want)
		}
	}
}

func TestCheckScheme_FR_31_NeverAdmitted(t *testing.T) {
	never := strings.Fields("javascript data file blob vbscript about http https ws wss mailto ftp filesystem view-source")
	malformed := []string{"", "Cursor", "cursor:", "cursor://", "3d", "a b", "-a", "ä", "a/b", "a\n", "*"}
	for _, name := range append(never, malformed...) {
		if err := redirect.CheckScheme(name); err == nil {
			t.Errorf("CheckScheme(%q) = nil, want an error", name)
		}
	}
	for _, name := range []string{"cursor", "vscode", "com.example.app", "ms-app+x", "h323"} {
		if err := redirect.CheckScheme(name); err != nil {
			t.Errorf("CheckScheme(%q) = %v, want nil", name, err)
		}
	}
	// The schemes are refused even if the setting was not checked.
	rules := redirect.Rules{Schemes: never}
	for _, name := range never {
		if name == "https" || name == "http" {
			continue
		}
		if err := rules.Validate(name + "://app.example.com/cb"); err == nil || redirect.PrivateUse(name+":/cb") {
			t.Errorf("a redirect URI with the scheme %s is accepted", name)
		}
	}
	if err := rules.Validate("http://app.example.com/cb"); err == nil {
		t.Error("plain http is accepted because it is in the list of schemes")
	}
}

// The error for each mistake has the advice for it.
func TestValidate_FR_31_AdviceFitsTheMistake(t *testing.T) {
	const addHTTP, addHTTPS = "has no scheme: put http:// in front", "has no scheme: put https:// in front"
	for uri, want := range map[string]string{
		"localhost:3000/callback":     addHTTP,
		"localhost:3000":              addHTTP,
		"localhost:3000?x=1":          addHTTP,
		"localhost/callback":          addHTTP,
		"LOCALHOST:3000/callback":     addHTTP,
		"127.0.0.1:80/x":              addHTTP,
		"127.0.0.1/x":                 addHTTP,
		"[::1]:3000/cb":               addHTTP,
		"[::1]/cb":                    addHTTP,
		"www.example.com/cb":          addHTTPS,
		"www.example.com":             addHTTPS,
		"www.example.com:8443/cb":     addHTTPS,
		"192.0.2.1:8443/cb":           addHTTPS,
		"//app.example.com/cb":        "put https: in front",
		"/callback":                   "only a path",
		"callback":                    "not absolute",
		"https:/x":                    "has no // and host after its scheme: write it as https://",
		"https:/app.example.com/cb":   "has no // and host after its scheme: write it as https://",
		"https:app.example.com/cb":    "has no // and host after its scheme: write it as https://",
		"http:localhost:3000/cb":      "has no // and host after its scheme: write it as http://",
		"http:/localhost:3000/cb":     "has no // and host after its scheme: write it as http://",
		"https//app.example.com/cb":   "has no colon",
		"https:///cb":                 "has no host",
		"http://app.example.com/cb":   "is plain http: use https",
		"http://Localhost:3000/cb":    "write localhost",
		"https://app.example.com/a b": "has a space in it",
		"https://app.example.com/cb https://app.example.com/cb2": "register each of them",
		" https://app.example.com/cb":                            "begins or ends with a space",
		"https://app.example.com/cb\n":                           "begins or ends with a space",
		`https:\\app.example.com\cb`:                             "backslash",
		"https://app.example.com/cb#x":                           "fragment",
		"https://*.example.com/cb":                               "wildcard",
		"https://app.example.com/*":                              "wildcard",
		"myapp:/cb":                                              "scheme without a dot",
		"myapp://cb":                                             "scheme without a dot",
		"javascript:alert(1)":                                    "never allowed",
		"mailto:a@example.com":                                   "never allowed",
		"wss://app.example.com/cb":                               "never allowed",
	} {
		err := (redirect.Rules{}).Validate(uri)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(%q) = %v, want an error with %q", uri, err, want)
		}
		if err != nil && want != "scheme without a dot" && strings.Contains(err.Error(), "dot") {
			t.Errorf("Validate(%q) = %v, want no advice about dots", uri, err)
		}
	}
}
