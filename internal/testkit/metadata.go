package testkit

import (
	"net/http"
	"net/url"
	"strings"
)

func (s *Server) Metadata() map[string]any {
	s.T.Helper()
	u, err := url.Parse(s.Config.Issuer)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.Do(NewGet(u.Scheme + "://" + u.Host + "/.well-known/oauth-authorization-server" + u.Path)).JSON()
}

// WantEndpoint fails unless something answers at the URL, though not what was
// asked for.
func (s *Server) WantEndpoint(name, endpoint string) {
	s.T.Helper()
	if !strings.HasPrefix(endpoint, s.Config.Issuer+"/") || strings.ContainsAny(endpoint, "#?") {
		s.T.Errorf("%s is %q, want a URL below the issuer without query and fragment (AZ-32)", name, endpoint)
	}
	if a := s.Do(NewGet(endpoint)); a.Status == http.StatusNotFound {
		s.T.Errorf("%s is %q, where nothing is", name, endpoint)
	}
	if name == "jwks_uri" && len(JwksOf(s.T, s.Do(NewGet(endpoint)).Body).Keys) == 0 {
		s.T.Errorf("%s has no keys", endpoint)
	}
}

// WantGrant fails unless a client gets tokens by the grant.
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
		s.T.Errorf("the grant %s is advertised, and nobody tries it", grantType)
	}
}

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
		s.T.Errorf("the authentication method %s is advertised, and nobody tries it", method)
	}
}
