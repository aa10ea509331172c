package testkit

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// TokenURL returns the URL of the token endpoint.
func (s *Server) TokenURL() string { return strings.TrimSuffix(s.Config.Issuer, "/") + "/oauth/token" }

// Exchange sends a token request with pairs of parameters. A confidential
// client authenticates with HTTP Basic, a public client sends its ID.
func (s *Server) Exchange(c *Client, pairs ...string) *Response {
	s.T.Helper()
	form := Set(url.Values{}, pairs...)
	if c.Secret == "" {
		form.Set("client_id", c.ID)
	}
	r := httptest.NewRequest("POST", Issuer+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	return s.Do(r)
}

// Send sends a token request with a raw body. header is pairs of name and
// value; the value "-" removes a header.
func (s *Server) Send(body string, header ...string) *Response {
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	setHeader(r, header)
	return s.Do(r)
}

// SendFrom sends a token request from an IP address.
func (s *Server) SendFrom(address, body string, header ...string) *Response {
	r := httptest.NewRequest("POST", s.TokenURL(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = address + ":40000"
	setHeader(r, header)
	return s.Do(r)
}

func setHeader(r *http.Request, pairs []string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			r.Header.Del(pairs[i])
			continue
		}
		r.Header.Add(pairs[i], pairs[i+1])
	}
}

// TokenRequest returns a token request with HTTP Basic; see [Server.Exchange].
func (c *Client) TokenRequest(pairs ...string) *http.Request {
	r := httptest.NewRequest("POST", Issuer+"/oauth/token", strings.NewReader(Set(url.Values{}, pairs...).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	return r
}

// Basic returns the Authorization header of a client (RFC 6749 §2.3.1).
func Basic(id, secret string) string {
	return RawBasic(url.QueryEscape(id) + ":" + url.QueryEscape(secret))
}

// RawBasic returns an Authorization header with credentials as they are.
func RawBasic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// Tokens is a token response.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
	ID      string `json:"id_token"`
}

// AccessIn returns the access token of a token response.
func AccessIn(body string) string {
	var got Tokens
	_ = json.Unmarshal([]byte(body), &got)
	return got.Access
}

// CodeForm returns the parameters of a token request that redeems a code.
func (c *Client) CodeForm(code string) []string {
	return []string{"grant_type", "authorization_code", "code", code, "redirect_uri", c.RedirectURIs[0], "code_verifier", c.Verifier}
}

// Code runs the code flow up to the code: alice allows the client.
func (s *Server) Code(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Browser().SignIn("alice").Authorize(c, pairs...).Allow().Code()
}

// Redeem exchanges a code for tokens.
func (s *Server) Redeem(c *Client, code string) *Tokens {
	s.T.Helper()
	return s.Exchange(c, c.CodeForm(code)...).Tokens()
}

// GrantTokens runs the whole code flow: alice allows the client, and the client
// redeems the code.
func (s *Server) GrantTokens(c *Client, pairs ...string) *Tokens {
	s.T.Helper()
	return s.Redeem(c, s.Browser().SignIn("alice").Authorize(c, pairs...).Allow().Code())
}

// Refresh sends a refresh token request, with further pairs of parameters.
func (s *Server) Refresh(c *Client, token string, pairs ...string) *Response {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, pairs...)...)
}

// SignIn sends a password grant request, with further pairs of parameters.
func (s *Server) SignIn(c *Client, username, password string, pairs ...string) *Response {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "password", "username", username, "password", password}, pairs...)...)
}

// MachineToken returns an access token of a client that acts for itself.
func (s *Server) MachineToken(c *Client, pairs ...string) string {
	s.T.Helper()
	return s.Exchange(c, append([]string{"grant_type", "client_credentials"}, pairs...)...).Tokens().Access
}

// MachineFrom requests a client's own token from an address.
func (s *Server) MachineFrom(address string, c *Client, secret string) *Response {
	return s.SendFrom(address, "grant_type=client_credentials", "Authorization", Basic(c.ID, secret))
}

// Preflight sends a CORS preflight request to the token endpoint.
func (s *Server) Preflight(origin string) *Response {
	r := httptest.NewRequest("OPTIONS", s.TokenURL(), nil)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
	return s.Do(r)
}

// WantTryLater fails the test unless the response is 503 with a Retry-After within
// the grace period of a refresh token.
func (a *Response) WantTryLater() {
	a.T.Helper()
	after, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.Status != http.StatusServiceUnavailable || a.JSON()["error"] != "temporarily_unavailable" || err != nil || time.Duration(after)*time.Second >= 10*time.Second || after < 1 {
		a.T.Errorf("%s with Retry-After %q; want 503 temporarily_unavailable with a wait shorter than the grace period of 10 seconds", a, a.Header.Get("Retry-After"))
	}
	if strings.Contains(a.Body, "10.0.0.1") {
		a.T.Errorf("the response shows the address of the store: %s", a.Body)
	}
}

// ReadCloser returns a request body.
func ReadCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

// WantThrottled fails the test unless the response is 429 with its headers. It
// returns the Retry-After time.
func (a *Response) WantThrottled(code string) time.Duration {
	a.T.Helper()
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.Status != http.StatusTooManyRequests || a.JSON()["error"] != code || err != nil || seconds < 1 {
		a.T.Fatalf("want 429 %s with Retry-After, got %s with header %v", code, a, a.Header)
	}
	if a.Header.Get("WWW-Authenticate") != "" || a.Header.Get("Cache-Control") != "no-store" {
		a.T.Errorf("want no challenge and Cache-Control: no-store, got %v", a.Header)
	}
	return time.Duration(seconds) * time.Second
}
