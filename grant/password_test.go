package grant_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-passport/passport/grant"
	"github.com/go-passport/passport/oauth"
)

// passwords is a provider that can check passwords.
type passwords struct {
	users
	check func(username, password string) (*oauth.User, error)
}

func (p passwords) UserByPassword(_ context.Context, username, password string) (*oauth.User, error) {
	return p.check(username, password)
}

func alicesPassword(username, password string) (*oauth.User, error) {
	if username == "alice@example.com" && password == " right " {
		return &oauth.User{ID: "alice"}, nil
	}
	return nil, oauth.ErrNotFound
}

func passwordRequest(p oauth.UserProvider, username, password string) *oauth.TokenRequest {
	return &oauth.TokenRequest{
		Client: &oauth.Client{ID: "app", GrantTypes: []string{"password", "refresh_token"}, EndsWithSession: true},
		Scopes: []string{"read"}, Resources: []string{"https://api.example.com"},
		Form: url.Values{"username": {username}, "password": {password}}, Time: now,
		Users: func(name string) oauth.UserProvider { return map[string]oauth.UserProvider{"users": p}[name] },
	}
}

// The family begins at the time of the request with the password (RFC 6749
// §4.3).
func TestPassword(t *testing.T) {
	g := grant.Password{DefaultProvider: "users"}
	r := passwordRequest(passwords{newUsers(), alicesPassword}, "alice@example.com", " right ")
	a, err := g.Authorize(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f := a.Family
	if got, _ := a.Subject.User(); got != user || !a.Refresh || !a.NewFamily || !slices.Equal(a.Scopes, r.Scopes) || a.Spends != (oauth.Spend{}) {
		t.Errorf("Authorize() = %+v, want alice, the requested scopes, a new family and a refresh token", a)
	}
	if f.ID == "" || f.User != user || f.ClientID != "app" || !f.CreatedAt.Equal(now) || !f.AuthTime.Equal(now) || !f.ExpiresAt.IsZero() ||
		f.Session != "" || !f.EndsWithSession || !slices.Equal(f.Resources, r.Resources) {
		t.Errorf("Family = %+v, want the time of the request and no ExpiresAt", f)
	}
	r.Client.GrantTypes = []string{"password"}
	if a, err := g.Authorize(t.Context(), r); err != nil || a.Refresh || a.Family.ID == f.ID {
		t.Errorf("Authorize() = %+v, %v, want another family and no refresh token for a client that may not use one", a, err)
	}
}

func TestPassword_Refusals(t *testing.T) {
	returns := func(u *oauth.User, err error) func(string, string) (*oauth.User, error) {
		return func(string, string) (*oauth.User, error) { return u, err }
	}
	for name, tt := range map[string]struct {
		provider           oauth.UserProvider
		username, password string
		want               oauth.ErrorCode
	}{
		"unknown name":         {passwords{newUsers(), alicesPassword}, "bob", " right ", oauth.InvalidGrant},
		"wrong password":       {passwords{newUsers(), alicesPassword}, "alice@example.com", "right", oauth.InvalidGrant},
		"no username":          {passwords{newUsers(), alicesPassword}, "", " right ", oauth.InvalidRequest},
		"no password":          {passwords{newUsers(), alicesPassword}, "alice@example.com", "", oauth.InvalidRequest},
		"no passwords":         {newUsers(), "alice", "x", oauth.UnauthorizedClient},
		"no such provider":     {nil, "alice", "x", oauth.UnauthorizedClient},
		"account closed":       {passwords{users{err: oauth.ErrNotFound}, alicesPassword}, "alice@example.com", " right ", oauth.InvalidGrant},
		"unavailable":          {passwords{newUsers(), returns(nil, fmt.Errorf("dial: %w", oauth.ErrUnavailable))}, "alice", "x", oauth.TemporarilyUnavailable},
		"UserByID unavailable": {passwords{users{err: oauth.ErrUnavailable}, alicesPassword}, "alice@example.com", " right ", oauth.TemporarilyUnavailable},
		"server error":         {passwords{newUsers(), returns(nil, errors.New("no hash"))}, "alice", "x", oauth.ServerError},
		"no user, no error":    {passwords{newUsers(), returns(nil, nil)}, "alice", "x", oauth.ServerError},
		"no ID":                {passwords{newUsers(), returns(&oauth.User{}, nil)}, "alice", "x", oauth.ServerError},
	} {
		r := passwordRequest(tt.provider, tt.username, tt.password)
		if tt.provider == nil {
			r.Users = func(string) oauth.UserProvider { return nil }
		}
		a, err := grant.Password{DefaultProvider: "users"}.Authorize(t.Context(), r)
		if a != nil || err == nil || oauth.AsError(err).Code != tt.want {
			t.Errorf("%s: Authorize() = %+v, %v, want %v", name, a, err, tt.want)
			continue
		}
		if tt.want == oauth.InvalidGrant && oauth.AsError(err).Description != "the user name or the password is wrong" {
			t.Errorf("%s: Description = %q, want the same text for every refusal", name, oauth.AsError(err).Description)
		}
		if strings.Contains(err.Error(), " right ") || strings.Contains(err.Error(), "alice@example.com") {
			t.Errorf("%s: the error contains the user name or password: %v", name, err)
		}
	}
}
