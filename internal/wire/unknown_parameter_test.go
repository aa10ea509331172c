package wire_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// odd are parameters that no endpoint knows, in all forms that net/http refuses.
var odd = []string{"utm=x;y", "utm=%zz", "utm=%", "%zz=1", "a;b=c", "utm[]=1", "utm[0]=1", "utm=%00", "utm=%FF", "utm=%0A", "utm", ";", "utm=" + strings.Repeat("a", 7<<10)}

// "Unrecognized request parameters MUST be ignored" (RFC 6749 §3.1, §3.2).
func TestParameters_FR_33_AZ_02_UnknownOnesAreIgnored(t *testing.T) {
	s := testkit.NewServer(t)
	c, machine, b := s.Web(), s.Machine(), s.Browser().SignIn("alice")
	for _, extra := range odd {
		b.Get("/oauth/authorize?" + extra + "&" + c.Request("prompt", "consent").Encode()).Allow().Code()
		post := b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request("prompt", "consent").Encode()+"&"+extra, nil))
		if !post.IsConsent() {
			t.Errorf("POST /oauth/authorize with %.20q: %s, want the consent page", extra, post)
		}
		for _, path := range []string{"/oauth/token", "/oauth/token?" + extra} {
			r := s.FormRequest(machine, path, "grant_type", "client_credentials")
			s.Do(withBody(r, "grant_type=client_credentials&"+extra)).Tokens()
		}
		if a := s.Do(withBody(s.FormRequest(c, "/oauth/revoke"), "token=x&"+extra)); a.Status != 200 {
			t.Errorf("POST /oauth/revoke with %.20q: %s, want 200", extra, a)
		}
		if a := s.Do(withBody(s.FormRequest(s.API(testkit.Issuer), "/oauth/introspect"), "token=x&"+extra)); a.Status != 200 {
			t.Errorf("POST /oauth/introspect with %.20q: %s, want 200", extra, a)
		}
		r := b.Request("POST", "/oauth/clients?"+extra)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if a := b.Sent(withBody(r, "name=x&redirect=https://app.example.com/cb&"+extra)); a.Status != 201 {
			t.Errorf("POST /oauth/clients with %.20q: %s, want 201", extra, a)
		}
	}
	s.WantBlameless()
}

// The error for a malformed known parameter names it.
func TestParameters_FR_33_MalformedOnesAreNamed(t *testing.T) {
	s := testkit.NewServer(t)
	c, machine, b := s.Web(), s.Machine(), s.Browser().SignIn("alice")
	for _, value := range []string{"x;y", "%zz", "%"} {
		for _, name := range []string{"client_id", "redirect_uri", "scope", "state", "prompt", "code_challenge", "response_type", "resource"} {
			says := name + " is not properly encoded"
			b.Get("/oauth/authorize?"+c.Request(name, "").Encode()+"&"+name+"="+value).WantPage(400, says)
			b.Send(b.NewRequest("POST", "/oauth/authorize", c.Request(name, "").Encode()+"&"+name+"="+value, nil)).WantPage(400, says)
		}
		b.Send(b.NewRequest("POST", "/oauth/authorize", "decision=allow&ticket="+value, nil)).WantPage(400, "ticket is not properly encoded")
		for _, name := range []string{"grant_type", "scope", "client_id", "code", "refresh_token", "resource"} {
			a := s.Do(withBody(s.FormRequest(machine, "/oauth/token"), "grant_type=client_credentials&"+name+"="+value)).WantJSONError(400, "invalid_request")
			if !strings.HasPrefix(a.Description(), name+" is not properly encoded") {
				t.Errorf("%s=%s at the token endpoint is refused with %q, want the name in it", name, value, a.Description())
			}
		}
		a := s.Do(withBody(s.FormRequest(machine, "/oauth/token?x=1&client_secret="+value), "grant_type=client_credentials")).WantJSONError(400, "invalid_request")
		if !strings.HasPrefix(a.Description(), "client_secret was sent in the URL") {
			t.Errorf("client_secret=%s in the query is refused with %q", value, a.Description())
		}
	}
	s.WantBlameless()
}

// withBody returns r with another body.
func withBody(r *http.Request, body string) *http.Request {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return r
}
