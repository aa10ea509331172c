package authorize_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// OI-51, OI-52: the response is one form for the client, unchanged and complete, with a
// button and a script of ours. No part of it is in a URL.
func TestOpenID_OI_51_OI_52_FormPost(t *testing.T) {
	s := provider(t)
	const state = `a"b'c<d>&e=f é` + "\t`"
	c := s.Register(passport.Registration{RedirectURIs: []string{"https://app.example.com/cb?a=b%20c&d='e'&f=(g)"}})
	b := s.Browser().SignIn("alice")
	for name, a := range map[string]*testkit.Response{
		"after the page":   b.Authorize(c, "scope", "openid", "response_mode", "form_post", "state", state).Allow(),
		"without the page": b.Authorize(c, "scope", "openid", "response_mode", "form_post", "state", state, "prompt", "none"),
	} {
		action, fields := a.Form()
		if action != c.RedirectURIs[0] {
			t.Errorf("%s: the action is %s, want %s", name, action, c.RedirectURIs[0])
		}
		if len(fields) != 3 || fields.Get("state") != state || fields.Get("iss") != testkit.Issuer || fields.Get("code") == "" {
			t.Errorf("%s: the form has %v, want code, state and iss", name, fields)
		}
		s.Redeem(c, fields.Get("code"))
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "form-action 'self' https:;") || !strings.Contains(policy, "script-src 'self'") || a.Header.Get("Referrer-Policy") != "origin" {
			t.Errorf("%s: the page has the policy %q and the Referrer-Policy %q", name, policy, a.Header.Get("Referrer-Policy"))
		}
		if !strings.Contains(a.Body, "<button") || strings.Count(a.Body, "<script") != 1 {
			t.Errorf("%s: the page needs one script and a button: %s", name, a.Body)
		}
	}
	script := s.Get("/oauth/form-post.js").WantStatus(200)
	if got := script.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") || !strings.Contains(script.Body, `getElementById("form-post")`) {
		t.Errorf("the script is %s %q", got, script.Body)
	}
}

// OI-51: errors go the same way, those of the first checks too.
func TestOpenID_OI_51_FormPostErrors(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for code, a := range map[string]*testkit.Response{
		"access_denied":             b.Authorize(c, "response_mode", "form_post").Deny(),
		"consent_required":          b.Authorize(c, "response_mode", "form_post", "prompt", "none"),
		"unsupported_response_type": b.Authorize(c, "response_mode", "form_post", "response_type", "id_token"),
		"invalid_scope":             b.Authorize(c, "response_mode", "form_post", "scope", "nothing"),
		"request_not_supported":     b.Authorize(c, "response_mode", "form_post", "request", "x"),
		"invalid_request":           b.Authorize(c, "response_mode", "form_post", "response_type", ""),
	} {
		_, fields := a.Form()
		if fields.Get("error") != code || fields.Get("state") != testkit.DefaultState || fields.Get("iss") != testkit.Issuer || fields.Has("code") || len(fields) != 4 {
			t.Errorf("the form has %v, want the error %s with its description, state and iss", fields, code)
		}
	}
	b.Authorize(c, "response_mode", "form_post", "redirect_uri", "https://app.example.com/other").WantPage(400, "not registered")
	cancelled := s.Browser().Authorize(c, "response_mode", "form_post")
	if _, fields := b.Post(cancelled.ReturnTo(), url.Values{"decision": {"deny"}}).Form(); fields.Get("error") != "access_denied" {
		t.Errorf("after Cancel on the sign-in page the form has %v, want access_denied", fields)
	}
}

// OI-50, OI-53, OI-54: the metadata lists the modes. An unknown mode is an error in the
// default mode, and so is a form for an app on the device.
func TestOpenID_OI_50_OI_53_OI_54_ResponseModes(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	if got := testkit.AsText(s.Metadata()["response_modes_supported"]); got != "[query form_post]" {
		t.Errorf("response_modes_supported = %s, want query and form_post", got)
	}
	b.Authorize(c, "response_mode", "query").Allow().Code()
	for _, mode := range []string{"fragment", "web_message", "FORM_POST", "jwt", "form_post.jwt"} {
		b.Authorize(c, "response_mode", mode).WantRedirectError("invalid_request")
	}
	app := s.Register(passport.Registration{AuthMethod: "none", RedirectURIs: []string{"com.example.app:/cb"}})
	b.Authorize(app, "response_mode", "form_post").WantRedirectError("invalid_request")
	implicit := provider(t, testkit.WithImplicit)
	implicit.Browser().SignIn("alice").AuthorizeToken(implicit.Board(passport.Registration{}), "response_mode", "form_post").WantFragmentError("invalid_request")
	plain := testkit.NewServer(t)
	plain.Browser().SignIn("alice").Authorize(plain.Web(), "response_mode", "form_post").WantRedirectError("invalid_request")
	plain.Get("/oauth/form-post.js").WantStatus(404)
}

// OI-52: a form for a program on this device goes to loopback addresses, too.
func TestOpenID_OI_52_FormPostOnThisDevice(t *testing.T) {
	s := provider(t)
	b := s.Browser().SignIn("alice")
	for uri, want := range map[string]string{
		"http://127.0.0.1:7777/cb": "form-action 'self' https: http://127.0.0.1:* http://localhost:*;",
		"http://localhost:7777/cb": "form-action 'self' https: http://127.0.0.1:* http://localhost:*;",
		"http://[::1]:7777/cb":     "form-action 'self' https: http:;",
	} {
		c := s.Register(passport.Registration{RedirectURIs: []string{uri}})
		a := b.Authorize(c, "response_mode", "form_post").Allow()
		if action, _ := a.Form(); action != uri || !strings.Contains(a.Header.Get("Content-Security-Policy"), want) {
			t.Errorf("%s: the form goes to %s with the policy %q, want %q", uri, action, a.Header.Get("Content-Security-Policy"), want)
		}
	}
}

// An application's own consent page gets the form as JSON.
func TestOpenID_OI_51_FormPostAsJSON(t *testing.T) {
	s := provider(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	got := b.AuthorizeJSON(c, "scope", "openid", "response_mode", "form_post").PostJSON("allow").WantStatus(200).JSON()
	fields, _ := got["fields"].(map[string]any)
	if got["post_to"] != c.RedirectURIs[0] || fields["code"] == nil || fields["state"] != testkit.DefaultState || got["redirect_to"] != nil {
		t.Errorf("the JSON is %v, want post_to with the redirect URI, and the fields", got)
	}
	denied := b.AuthorizeJSON(c, "scope", "read", "response_mode", "form_post", "prompt", "none").WantStatus(400).JSON()
	if fields, _ := denied["fields"].(map[string]any); denied["error"] != "consent_required" || fields["error"] != "consent_required" {
		t.Errorf("the JSON is %v, want the error consent_required for the script and the client", denied)
	}
}
