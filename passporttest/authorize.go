package passporttest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// AuthorizationCode lets a user allow the client's request with all of its scopes, also
// the optional ones, and returns the form that redeems its code: grant_type, code, redirect_uri and code_verifier (RFC
// 6749 §4.1.3, RFC 7636 §4.5). Send it with [Client.Exchange]; send it twice to
// test a stolen code. A refusal ends the test.
func (c *Client) AuthorizationCode(user *passport.User, scopes ...string) url.Values {
	c.server.t.Helper()
	if user == nil || user.ID == "" || len(c.RedirectURIs) == 0 {
		c.server.t.Fatal("passporttest: a code needs a user with an ID and a client with a redirect URI")
	}
	verifier := rand.Text() + rand.Text() // at least 43 characters (RFC 7636 §4.1)
	challenge := sha256.Sum256([]byte(verifier))
	params, err := c.server.authorize(c, user, c.withResource(withScopes(url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}, scopes)))
	if err != nil {
		c.server.t.Fatalf("passporttest: the client %q got no code of the user %q for the scopes %q: %v", c.Name, user.ID, scopes, err)
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {params.Get("code")},
		"redirect_uri": {c.RedirectURIs[0]}, "code_verifier": {verifier},
	}
}

// authorize sends an authorization request from a browser in which the user is
// signed in, allows it if there is a consent page, and returns the parameters for
// the client. It requests JSON, because an application may have its own pages.
func (s *Server) authorize(c *Client, user *passport.User, params url.Values) (url.Values, error) {
	ctx := signIn(s.context(), cmp.Or(c.Provider, passport.DefaultProvider), user)
	w := s.script(s.request(ctx, http.MethodGet, s.authorizePath, params))
	shown := shownOf(w)
	if shown.Ticket != "" {
		r := s.request(ctx, http.MethodPost, s.authorizePath, url.Values{"ticket": {shown.Ticket}, "decision": {"allow"}, "scope_granted": shown.scopeIDs()})
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, cookie := range w.Result().Cookies() {
			r.AddCookie(cookie)
		}
		w = s.script(r)
		shown = shownOf(w)
	}
	if shown.Code != "" {
		return nil, &shown.Error
	}
	target, err := url.Parse(shown.RedirectTo)
	if err != nil || target.Query().Get("code") == "" {
		return nil, fmt.Errorf("the authorization endpoint responded with %d %s", w.Code, w.Body)
	}
	return target.Query(), nil
}

// script sends a request as a script of a page does.
func (s *Server) script(r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	s.Server.ServeHTTP(w, r)
	return w
}

// shown is the JSON of the authorization endpoint.
type shown struct {
	oauth.Error
	Ticket     string `json:"ticket"`
	RedirectTo string `json:"redirect_to"`
	Scopes     []struct {
		ID string `json:"id"`
	} `json:"scopes"`
}

// scopeIDs returns the scopes of a consent page.
func (s shown) scopeIDs() (ids []string) {
	for _, scope := range s.Scopes {
		ids = append(ids, scope.ID)
	}
	return ids
}

// shownOf returns the JSON of a response; empty if it isn't JSON.
func shownOf(w *httptest.ResponseRecorder) (s shown) {
	_ = json.Unmarshal(w.Body.Bytes(), &s) // the caller checks for empty values
	return s
}
