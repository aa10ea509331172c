package passporttest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Client is a client of a test's server: an application that gets tokens.
type Client struct {
	*oauth.Client
	Secret string // empty for a public client

	// Resource is the API that the client's tokens are for, one of Config.Resources
	// (RFC 8707). Empty: the server's own audience.
	Resource string

	server *Server
}

// Format implements [fmt.Formatter]. It prints no secret: only the client ID.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "passporttest.Client(%s)", cmp.Or(c.Client, new(oauth.Client)).ID)
}

// LogValue implements [slog.LogValuer]: only the client ID.
func (c Client) LogValue() slog.Value {
	return slog.StringValue(cmp.Or(c.Client, new(oauth.Client)).ID)
}

// Token is a token response.
type Token struct {
	ID           string // of the access token; for [Server.Expire] and RevokeToken
	AccessToken  string // the value that the client sends
	RefreshToken string // empty if there is none

	// Record is the access token as the server stored it.
	Record *oauth.AccessToken

	server *Server
}

// Format implements [fmt.Formatter]. It prints no secret: only the ID.
func (t Token) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "passporttest.Token(%s)", t.ID) }

// LogValue implements [slog.LogValuer]: only the ID.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.ID) }

// SetAuthHeader puts the token into the header Authorization of r, and returns r.
func (t *Token) SetAuthHeader(r *http.Request) *http.Request {
	r.Header.Set("Authorization", "Bearer "+t.AccessToken)
	return r
}

// HTTPClient is like [Server.HTTPClient], but sends the token with every request
// that has no Authorization header.
func (t *Token) HTTPClient() *http.Client {
	return t.server.client(func(r *http.Request) *http.Request {
		if r.Header.Get("Authorization") == "" {
			t.SetAuthHeader(r)
		}
		return r
	})
}

// Token lets a user connect the client, and returns its token: the user allows
// the request, and the client redeems the code. The server does the same as in
// production, with a consent, a family, tokens and their events. Without scopes
// the client gets the server's defaults.
//
// The user belongs to the client's provider. A refusal ends the test.
func (c *Client) Token(user *passport.User, scopes ...string) *Token {
	c.server.t.Helper()
	token, err := c.Exchange(c.AuthorizationCode(user, scopes...))
	if err != nil {
		c.server.t.Fatalf("passporttest: the client %q got no token of the user %q for the scopes %q: %v", c.Name, user.ID, scopes, err)
	}
	return token
}

// OwnToken returns a token of the client that acts for itself
// (RFC 6749 §4.4). A refusal ends the test.
func (c *Client) OwnToken(scopes ...string) *Token {
	c.server.t.Helper()
	token, err := c.Exchange(c.withResource(withScopes(url.Values{"grant_type": {"client_credentials"}}, scopes)))
	if err != nil {
		c.server.t.Fatalf("passporttest: the client %q got no token for itself for the scopes %q: %v", c.Name, scopes, err)
	}
	return token
}

// Refresh spends the token's refresh token for a new one (RFC 6749 §6), with only
// the given scopes, if any. The error of a refusal is an [*oauth.Error].
func (c *Client) Refresh(token *Token, scopes ...string) (*Token, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}}
	return c.Exchange(withScopes(form, scopes))
}

// Exchange sends a form to the token endpoint, with the client's credentials. The
// error of a refusal is an [*oauth.Error].
func (c *Client) Exchange(form url.Values) (*Token, error) {
	t := &Token{Record: new(oauth.AccessToken), server: c.server}
	ctx := context.WithValue(c.server.context(), issuedKey{}, t.Record)
	sent := url.Values{"client_id": {c.ID}}
	maps.Copy(sent, form)
	if c.Secret != "" && c.AuthMethod.Accepts(oauth.AuthPost) {
		sent.Set("client_secret", c.Secret)
	}
	r := c.server.request(ctx, http.MethodPost, c.server.tokenPath, sent)
	if c.Secret != "" && !c.AuthMethod.Accepts(oauth.AuthPost) {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	w := httptest.NewRecorder()
	c.server.Server.ServeHTTP(w, r)
	return t, t.read(w)
}

// read fills in the response of the token endpoint.
func (t *Token) read(w *httptest.ResponseRecorder) error {
	if w.Code != http.StatusOK {
		refusal := new(oauth.Error)
		if err := json.Unmarshal(w.Body.Bytes(), refusal); err != nil {
			return fmt.Errorf("the token endpoint responded with %d %q", w.Code, w.Body)
		}
		return refusal
	}
	var body struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		return fmt.Errorf("the token endpoint responded with %q: %w", w.Body, err)
	}
	t.ID, t.AccessToken, t.RefreshToken = t.Record.ID, body.AccessToken, body.RefreshToken
	return nil
}

func withScopes(form url.Values, scopes []string) url.Values {
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	return form
}

func (c *Client) withResource(form url.Values) url.Values {
	if c.Resource != "" {
		form.Set("resource", c.Resource)
	}
	return form
}

// request returns a request to the server itself, without the application's
// handler around it.
func (s *Server) request(ctx context.Context, method, path string, form url.Values) *http.Request {
	target := s.issuer.Scheme + "://" + s.issuer.Host + path
	if method == http.MethodGet {
		return received(httptest.NewRequestWithContext(ctx, method, target+"?"+form.Encode(), nil))
	}
	r := received(httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
