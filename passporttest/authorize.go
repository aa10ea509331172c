package passporttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// AuthorizationCode lets a user allow what the client asks for, and returns the
// form by which the client redeems its code: grant_type, code, redirect_uri and
// code_verifier (RFC 6749 §4.1.3, RFC 7636 §4.5). Send it by [Client.Exchange],
// twice to see what becomes of a stolen one. A refusal ends the test.
func (c *Client) AuthorizationCode(user *passport.User, scopes ...string) url.Values {
	c.server.t.Helper()
	if user == nil || user.ID == "" || len(c.RedirectURIs) == 0 {
		c.server.t.Fatal("passporttest: a code takes a user with an ID and a client with a redirect URI")
	}
	verifier := rand.Text() + rand.Text() // of at least 43 characters (RFC 7636 §4.1)
	challenge := sha256.Sum256([]byte(verifier))
	answer, err := c.server.authorize(c, user, withScopes(url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}, scopes))
	if err != nil {
		c.server.t.Fatalf("passporttest: the client %q got no code of the user %q for the scopes %q: %v", c.Name, user.ID, scopes, err)
	}
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {answer.Get("code")},
		"redirect_uri": {c.RedirectURIs[0]}, "code_verifier": {verifier},
	}
}

// authorize sends an authorization request from a browser in which the user is
// signed in, allows it if there is a page, and returns what the client is told.
func (s *Server) authorize(c *Client, user *passport.User, params url.Values) (url.Values, error) {
	provider := c.Provider
	if provider == "" {
		provider = passport.DefaultProvider
	}
	ctx := signIn(s.context(), provider, user)
	w := httptest.NewRecorder()
	s.Server.ServeHTTP(w, s.request(ctx, http.MethodGet, s.authorizePath, params))
	if ticket := ticketOf(w); ticket != "" {
		r := s.request(ctx, http.MethodPost, s.authorizePath, url.Values{"ticket": {ticket}, "decision": {"allow"}})
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, cookie := range w.Result().Cookies() {
			r.AddCookie(cookie)
		}
		w = httptest.NewRecorder()
		s.Server.ServeHTTP(w, r)
	}
	return answerOf(w, params.Get("redirect_uri"))
}

var (
	inputElement = regexp.MustCompile(`<input\b[^>]*>`)
	valueOf      = regexp.MustCompile(`\bvalue="([^"]*)"`)
)

// ticketOf returns the ticket in the form of a consent page, or "" for what is
// none.
func ticketOf(w *httptest.ResponseRecorder) string {
	if w.Code != http.StatusOK {
		return ""
	}
	for _, input := range inputElement.FindAllString(w.Body.String(), -1) {
		if m := valueOf.FindStringSubmatch(input); m != nil && strings.Contains(input, `name="ticket"`) {
			return html.UnescapeString(m[1])
		}
	}
	return ""
}

// answerOf returns what the client is told at its redirect URI: by a redirect, or
// by a page that moves on.
func answerOf(w *httptest.ResponseRecorder, redirectURI string) (url.Values, error) {
	target := w.Header().Get("Location")
	if target == "" {
		page := html.UnescapeString(w.Body.String())
		if at := strings.Index(page, redirectURI); at >= 0 {
			target, _, _ = strings.Cut(page[at:], `"`)
		}
	}
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(target, redirectURI) {
		return nil, fmt.Errorf("the authorization endpoint answered %d and did not go back to the client; the log says why", w.Code)
	}
	told := u.Query()
	if told.Get("code") == "" {
		return nil, &oauth.Error{Code: oauth.ErrorCode(told.Get("error")), Description: told.Get("error_description")}
	}
	return told, nil
}
