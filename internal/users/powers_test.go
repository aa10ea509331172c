package users_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

type validated struct{ provider }

func (validated) Validate() error { return nil }

// A provider has exactly the powers whose functions are set, and still checks itself.
func TestWithPowers(t *testing.T) {
	check := func(context.Context, string, string) (*oauth.User, error) { return &oauth.User{ID: "alice"}, nil }
	out := func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusTeapot); return nil }
	for name, tt := range map[string]struct {
		provider      oauth.UserProvider
		password, out bool
	}{
		"none":     {users.WithPowers(validated{}, nil, nil), false, false},
		"password": {users.WithPowers(validated{}, check, nil), true, false},
		"sign out": {users.WithPowers(validated{}, nil, out), false, true},
		"both":     {users.WithPowers(validated{}, check, out), true, true},
	} {
		_, password := tt.provider.(oauth.PasswordAuthenticator)
		_, signsOut := tt.provider.(oauth.SignOuter)
		_, checks := tt.provider.(users.Validated)
		if password != tt.password || signsOut != tt.out || !checks {
			t.Errorf("%s: PasswordAuthenticator %t, SignOuter %t, Validate %t; want %t, %t, true", name, password, signsOut, checks, tt.password, tt.out)
		}
	}
}
