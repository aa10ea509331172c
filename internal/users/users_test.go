package users_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// provider returns the same user and error for every UserByID, and keeps the last
// ID.
type provider struct {
	user  *oauth.User
	err   error
	asked *string
}

func (p provider) CurrentUser(*http.Request) (*oauth.User, error) { return nil, oauth.ErrNotFound }
func (p provider) SignInURL(*http.Request, string) string         { return "" }
func (p provider) UserByID(_ context.Context, id string) (*oauth.User, error) {
	*p.asked = id
	return p.user, p.err
}

func TestLoad_F16_D6_FR_14(t *testing.T) {
	alice, asked := &oauth.User{ID: "alice"}, ""
	for name, tt := range map[string]struct {
		provider oauth.UserProvider
		gone     bool
		code     oauth.ErrorCode // for an error that is not ErrGone
	}{
		"found":             {provider{user: alice, asked: &asked}, false, ""},
		"gone":              {provider{err: oauth.ErrNotFound, asked: &asked}, true, ""},
		"gone, wrapped":     {provider{err: fmt.Errorf("SELECT: %w", oauth.ErrNotFound), asked: &asked}, true, ""},
		"gone, with a user": {provider{user: alice, err: oauth.ErrNotFound, asked: &asked}, true, ""},
		"unknown provider":  {nil, true, ""},
		"unavailable":       {provider{err: fmt.Errorf("dial: %w", oauth.ErrUnavailable), asked: &asked}, false, oauth.TemporarilyUnavailable},
		"an error":          {provider{err: errors.New("no such table"), asked: &asked}, false, oauth.ServerError},
		"of a client":       {provider{err: fmt.Errorf("ask: %w", oauth.InvalidClient.Errorf("wrong")), asked: &asked}, false, oauth.ServerError},
		"of a token":        {provider{err: oauth.InvalidToken, asked: &asked}, false, oauth.ServerError},
		"not allowed":       {provider{err: oauth.AccessDenied.Errorf("locked"), asked: &asked}, false, oauth.AccessDenied},
		"nil":               {provider{asked: &asked}, false, oauth.ServerError},
		"another ID":        {provider{user: &oauth.User{ID: "bob"}, asked: &asked}, false, oauth.ServerError},
		"other letters":     {provider{user: &oauth.User{ID: "Alice"}, asked: &asked}, false, oauth.ServerError},
		"no ID":             {provider{user: &oauth.User{}, asked: &asked}, false, oauth.ServerError},
	} {
		named := ""
		find := func(name string) oauth.UserProvider { named = name; return tt.provider }
		user, err := users.Load(t.Context(), find, oauth.UserRef{Provider: "staff", ID: "alice"})
		switch {
		case named != "staff" || tt.provider != nil && asked != "alice":
			t.Errorf("%s: Load asked the provider %q for %q, want staff for alice", name, named, asked)
		case !tt.gone && tt.code == "":
			if user != alice || err != nil {
				t.Errorf("%s: Load() = %v, %v, want alice", name, user, err)
			}
		case user != nil || err == nil:
			t.Errorf("%s: Load() = %v, %v, want an error and no user", name, user, err)
		case errors.Is(err, users.ErrGone) != tt.gone || errors.Is(err, oauth.ErrNotFound) != tt.gone:
			t.Errorf("%s: Load() = %v, want ErrGone and ErrNotFound: %v", name, err, tt.gone)
		case !tt.gone && oauth.AsError(err).Code != tt.code:
			t.Errorf("%s: Load() = %v, want an error with the code %s", name, err, tt.code)
		}
	}
}
