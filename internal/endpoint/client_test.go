package endpoint_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// RFC 6749 §5.2: after a failed authentication by the Authorization header, the response
// names the supported scheme.
func TestToken_TK_07_ChallengeOfInvalidClient(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	for _, header := range []string{testkit.Basic(c.ID, "wrong"), "Basic !", "Basic", "Bearer " + c.Secret, "Digest x", ""} {
		a := s.Send("grant_type=client_credentials", "Authorization", header).WantJSONError(401, "invalid_client")
		if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Basic realm="`) {
			t.Errorf("Authorization %q: WWW-Authenticate = %q, want Basic", header, got)
		}
	}
}

// RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in
// each request."
func TestToken_TK_09_TwoAuthenticationMethods(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	body := url.Values{"grant_type": {"client_credentials"}, "client_secret": {c.Secret}}
	s.Send(body.Encode(), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	body.Set("client_id", c.ID)
	s.Send(body.Encode(), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, c.Secret), "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials&client_id=other", "Authorization", testkit.Basic(c.ID, c.Secret)).WantJSONError(400, "invalid_request")
	s.Send("grant_type=client_credentials&client_secret=x").WantJSONError(400, "invalid_request")
	// client_id in addition to Basic is allowed if both are equal.
	s.Send("grant_type=client_credentials&client_secret=&client_id="+c.ID, "Authorization", testkit.Basic(c.ID, c.Secret)).Tokens()
}

// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
func TestToken_TK_10_BasicIsFormEncoded(t *testing.T) {
	s := testkit.NewServer(t)
	const secret = "p:ss w%rd+é/=&?"
	for _, id := range []string{"plain", "with:colon", "with space", "ünïcode", "100%", "a+b", "urn:example:client"} {
		c := s.MachineNamed(id, secret)
		s.Send("grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, secret)).Tokens()
		s.Send(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()).Tokens()
		if id == "with:colon" || id == "100%" {
			s.Send("grant_type=client_credentials", "Authorization", testkit.RawBasic(id+":"+secret)).WantJSONError(401, "invalid_client")
		}
	}
	s.WantBlameless()
}

// RFC 9110 §11.1: the name of a scheme is case-insensitive.
func TestToken_TK_19_SchemeInAnyCase(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	for _, scheme := range []string{"Basic", "basic", "BASIC", "bAsIc"} {
		s.Send("grant_type=client_credentials", "Authorization", scheme+strings.TrimPrefix(testkit.Basic(c.ID, c.Secret), "Basic")).Tokens()
	}
	token := s.MachineToken(c)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		s.Call(s.GuardClient(), "Authorization", scheme+" "+token).Told()
	}
}

// A refresh token does not authenticate the client.
func TestNeverRepeat_A10_RefreshNeedsTheClient(t *testing.T) {
	s := testkit.NewServer(t)
	c, other, spa := s.Web(), s.Web(), s.Spa()
	tok := s.GrantTokens(c)
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok.Refresh}}
	s.Send(form.Encode()).WantJSONError(401, "invalid_client")
	s.Send(form.Encode(), "Authorization", testkit.Basic(c.ID, "wrong")).WantJSONError(401, "invalid_client")
	s.Send(form.Encode(), "Authorization", testkit.Basic(c.ID, "")).WantJSONError(401, "invalid_client")
	s.Send(form.Encode()+"&client_id="+c.ID).WantJSONError(401, "invalid_client")
	s.Send(form.Encode()+"&client_id="+c.ID+"&client_secret=").WantJSONError(401, "invalid_client")
	s.Refresh(other, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(spa, tok.Refresh).WantJSONError(400, "invalid_grant")
	s.Refresh(c, tok.Refresh, "scope", "read write").WantJSONError(400, "invalid_scope")
	s.WantAdmits(tok.Access, true, "after refused requests")
	s.Refresh(c, tok.Refresh).Tokens()
}
