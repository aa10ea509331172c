package testkit

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Metadata returns the server's metadata document (RFC 8414).
func (s *Server) Metadata() map[string]any {
	s.T.Helper()
	u, err := url.Parse(s.Config.Issuer)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.Do(NewGet(u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + u.Path)).JSON()
}

// WantEndpoint fails the test unless the URL belongs to the issuer and the
// server has a route for it.
func (s *Server) WantEndpoint(name, endpoint string) {
	s.T.Helper()
	if !strings.HasPrefix(endpoint, s.Config.Issuer+"/") || strings.ContainsAny(endpoint, "#?") {
		s.T.Errorf("%s is %q, want a URL under the issuer without query and fragment (AZ-32)", name, endpoint)
	}
	if a := s.Do(NewGet(endpoint)); a.Status == http.StatusNotFound {
		s.T.Errorf("%s is %q, which is 404", name, endpoint)
	}
	if name == "jwks_uri" && len(JwksOf(s.T, s.Do(NewGet(endpoint)).Body).Keys) == 0 {
		s.T.Errorf("%s has no keys", endpoint)
	}
}

// WantGrant fails the test unless a client gets tokens with the grant.
func (s *Server) WantGrant(grantType string) {
	s.T.Helper()
	web := s.Web()
	switch grantType {
	case "authorization_code":
		s.GrantTokens(web)
	case "refresh_token":
		s.Refresh(web, s.GrantTokens(web).Refresh).Tokens()
	case "client_credentials":
		s.MachineToken(s.Machine())
	case VoucherType:
		s.Exchange(s.Kiosk(), "grant_type", VoucherType, "voucher", "alice-"+web.ID).Tokens()
	default:
		s.T.Errorf("the grant %s is advertised, but this helper does not test it", grantType)
	}
}

// WantAuthMethod fails the test unless a client gets tokens with the
// authentication method.
func (s *Server) WantAuthMethod(method string) {
	s.T.Helper()
	machine := s.Machine()
	switch method {
	case "client_secret_basic":
		s.Send("grant_type=client_credentials", "Authorization", Basic(machine.ID, machine.Secret)).Tokens()
	case "client_secret_post":
		s.Send("grant_type=client_credentials&client_id=" + machine.ID + "&client_secret=" + machine.Secret).Tokens()
	case "none":
		s.GrantTokens(s.Spa())
	default:
		s.T.Errorf("the authentication method %s is advertised, but this helper does not test it", method)
	}
}

// Listed returns a list in a metadata document.
func Listed(m map[string]any, name string) (list []string) {
	values, _ := m[name].([]any)
	for _, v := range values {
		list = append(list, fmt.Sprint(v))
	}
	return list
}
