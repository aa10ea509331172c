package testkit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Personal creates a personal access token for alice.
func (s *Server) Personal(scopes ...string) *passport.NewToken {
	s.T.Helper()
	created, err := s.CreateToken(s.T.Context(), Ref("alice"), "My script", scopes...)
	if err != nil {
		s.T.Fatalf("CreateToken: %v", err)
	}
	return created
}

// Way is one way for a client to get a token.
type Way struct {
	Name      string
	GrantType string // the grant type that the client needs
	ForUser   bool
	Free      []string // names of restrictions that do not affect the token

	// Prepare goes up to the last step before the token, for example to a code
	// or a refresh token. The function that it returns requests the token, for
	// the given scope or for the scope that Prepare requested.
	Prepare func(s *Server, c *Client) func(s *Server, c *Client, scope string) *Issued
}

// Issued is the result of a token request.
type Issued struct {
	Code    string // the error code
	Scope   string
	Access  string
	Refresh string
	Expires string // the expires_in of the response
}

// Stored returns the stored row of the issued token.
func (s *Server) Stored(t *testing.T, got *Issued) *oauth.AccessToken {
	t.Helper()
	if got.Access == "" {
		t.Fatalf("the response = %+v, want a token", got)
	}
	id, _ := ClaimsOf(t, got.Access)["jti"].(string)
	token, err := s.Store.AccessToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Revocation is a method of the server that revokes tokens, with its expected
// event.
type Revocation struct {
	Name     string
	Do       func(ctx context.Context, s *Server, c *Client, tokenID string) error
	Machine  bool   // it also revokes a client's own token
	Code     bool   // it also revokes a code that was not redeemed
	Everyone bool   // it also revokes tokens of other users at the client
	Others   bool   // it keeps the user's other tokens of the client
	Reason   string // the reason in its event
	Audit    string // the action in the audit log
}

// IDOf returns the ID of an access token, as a token list shows it.
func (s *Server) IDOf(token string) string {
	s.T.Helper()
	if !strings.HasPrefix(token, "passport_pat_") {
		return AsText(ClaimsOf(s.T, token)["jti"])
	}
	row, err := s.Store.OpaqueToken(s.T.Context(), oauth.DigestOf(token))
	if err != nil {
		s.T.Fatal(err)
	}
	return row.ID
}

// WantRevoked fails the test unless one event and one audit record describe the
// revocation.
func (s *Server) WantRevoked(v Revocation, w Way, c *Client, id string) {
	s.T.Helper()
	s.WantAudit(v.Audit, 1)
	if v.Reason == "" {
		if got := EventsOf[passport.ClientRevoked](s); len(got) != 1 || got[0].ClientID != c.ID {
			s.T.Errorf("the ClientRevoked events = %+v, want one for the client", got)
		}
		return
	}
	want := passport.Revoked{Reason: v.Reason}
	if !v.Everyone && (w.ForUser || !v.Others) {
		want.User = Ref("alice")
	}
	if v.Name != "RevokeUser" {
		want.ClientID = c.ID
	}
	if v.Others {
		want.TokenID = id
	}
	got := EventsOf[passport.Revoked](s)
	if len(got) != 1 {
		s.T.Fatalf("the Revoked events = %+v, want one", got)
	}
	got[0].Meta = passport.Meta{}
	if got[0] != want {
		s.T.Errorf("the Revoked event = %+v, want %+v", got[0], want)
	}
}

// Refused is the [Issued.Code] of a refusal without an error code.
const Refused = "refused"

// FromBrowser returns the result of a request to the authorization endpoint,
// from the fragment of the redirect URI or from an error page. It is [Refused] if
// the response redirects to the sign-in page.
func FromBrowser(a *Response) *Issued {
	u, err := url.Parse(a.Target())
	if err != nil {
		a.T.Fatal(err)
	}
	params, err := url.ParseQuery(u.Fragment)
	switch {
	case err != nil:
		a.T.Fatal(err)
	case u.Path == "/login":
		return &Issued{Code: Refused}
	case a.Target() == "":
		return &Issued{Code: First(pageCode, a.Body)}
	}
	return &Issued{Code: params.Get("error"), Scope: params.Get("scope"), Access: params.Get("access_token"), Expires: params.Get("expires_in")}
}

var pageCode = regexp.MustCompile(`(invalid_[a-z]+)`)

// TokenIDs returns the IDs of an account's tokens, oldest first.
func (s *Server) TokenIDs(user oauth.UserRef) (ids []string) {
	s.T.Helper()
	for t, err := range s.Tokens(s.T.Context(), user) {
		Check(s.T, err)
		ids = append(ids, t.ID)
	}
	return ids
}

// Row returns the row of an access token.
func (s *Server) Row(token string) *oauth.AccessToken {
	s.T.Helper()
	row, err := s.Store.AccessToken(s.T.Context(), AsText(ClaimsOf(s.T, token)["jti"]))
	if err != nil {
		s.T.Fatal(err)
	}
	return row
}

// Base64URL returns the encoding of the parts of a JWT (RFC 7515 §2).
func Base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// ClaimsOf returns the claims of a JWT without verifying it.
func ClaimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
