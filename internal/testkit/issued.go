package testkit

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// Personal makes a personal access token of alice's.
func (s *Server) Personal(scopes ...string) *passport.NewToken {
	s.T.Helper()
	made, err := s.CreateToken(s.T.Context(), Ref("alice"), "My script", scopes...)
	if err != nil {
		s.T.Fatalf("CreateToken: %v", err)
	}
	return made
}

// Way is one way to a token of a client's.
type Way struct {
	Name      string
	GrantType string // that the client needs for it
	ForUser   bool
	Free      []string // of restrictions that say nothing of it

	// prepare goes as far as one gets before the token itself: to a code, to a
	// refresh token. What it returns asks for the token, for the scopes that are
	// given or for what prepare asked for.
	Prepare func(s *Server, c *Client) func(s *Server, c *Client, scope string) *Issued
}

// Issued is what came of asking.
type Issued struct {
	Code    string // of the error
	Scope   string
	Access  string
	Refresh string
	Expires string // as the client is told: expires_in
}

// Stored returns the row of the token that was issued.
func (s *Server) Stored(t *testing.T, got *Issued) *oauth.AccessToken {
	t.Helper()
	if got.Access == "" {
		t.Fatalf("the answer is %+v, want a token", got)
	}
	id, _ := ClaimsOf(t, got.Access)["jti"].(string)
	token, err := s.Store.AccessToken(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Revocation is one of the verbs by which an application ends tokens, with what
// its event says.
type Revocation struct {
	Name    string
	Do      func(ctx context.Context, s *Server, c *Client, tokenID string) error
	Machine bool   // it ends a client's own token too
	Code    bool   // it ends a code that was not redeemed
	Others  bool   // it leaves the same user's other tokens at the client alone
	Reason  string // of its event
	Audit   string // the action in the audit log
}

// IDOf returns the ID of an access token, as a list of tokens would show it.
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

// WantRevoked fails unless one event and one record tell what was revoked.
func (s *Server) WantRevoked(v Revocation, w Way, c *Client, id string) {
	s.T.Helper()
	s.WantAudit(v.Audit, 1)
	if v.Reason == "" {
		if got := EventsOf[passport.ClientRevoked](s); len(got) != 1 || got[0].ClientID != c.ID {
			s.T.Errorf("the events are %+v, want that the client was revoked", got)
		}
		return
	}
	want := passport.Revoked{Reason: v.Reason}
	if w.ForUser || !v.Others {
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
		s.T.Fatalf("the events are %+v, want one", got)
	}
	got[0].Meta = passport.Meta{}
	if got[0] != want {
		s.T.Errorf("the event is %+v, want %+v", got[0], want)
	}
}

// MachineFrom asks for a client's own token from an address.
func (s *Server) MachineFrom(address string, c *Client, secret string) *Answer {
	return s.SendFrom(address, "grant_type=client_credentials", "Authorization", Basic(c.ID, secret))
}

// WantThrottled fails unless the answer is 429 with its headers, and returns how
// long it says to wait.
func (a *Answer) WantThrottled(code string) time.Duration {
	a.T.Helper()
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.Status != http.StatusTooManyRequests || a.JSON()["error"] != code || err != nil || seconds < 1 {
		a.T.Fatalf("want 429 %s with Retry-After, got %s with header %v", code, a, a.Header)
	}
	if a.Header.Get("WWW-Authenticate") != "" || a.Header.Get("Cache-Control") != "no-store" {
		a.T.Errorf("want no challenge and nothing stored, got %v", a.Header)
	}
	return time.Duration(seconds) * time.Second
}
