package testkit

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-passport/passport"
)

// FormRequest returns a POST of pairs of name and value to an endpoint such as
// "/oauth/revoke". A confidential client authenticates with HTTP Basic, a public client
// sends its client_id.
func (s *Server) FormRequest(c *Client, endpoint string, pairs ...string) *http.Request {
	form := Set(url.Values{}, pairs...)
	if c.Public() {
		form.Set("client_id", c.ID)
	}
	r := httptest.NewRequest(http.MethodPost, s.Config.Issuer+endpoint, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !c.Public() {
		r.Header.Set("Authorization", Basic(c.ID, c.Secret))
	}
	return r
}

// API registers a client that is an API with an audience.
func (s *Server) API(audience string) *Client {
	s.T.Helper()
	created, err := s.CreateClient(s.T.Context(), passport.Registration{Name: "An API", Audience: audience})
	if err != nil {
		s.T.Fatalf("CreateClient of an API: %v", err)
	}
	return &Client{Client: created.Client, Secret: created.Secret}
}
