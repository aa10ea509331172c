package guards_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A guard refuses every request if its store fails.
func TestNeverRepeat_D1_OP_04_GuardFailsClosed(t *testing.T) {
	s, store := testkit.Watched(t)
	c := s.Web()
	token, own := s.GrantTokens(c).Access, s.MachineToken(s.Machine())
	guards := map[string]func(http.Handler) http.Handler{"Guard": s.Guard(), "GuardClient": s.GuardClient(), "GuardAny": s.GuardAny()}
	for _, err := range []error{testkit.ErrOutOfReach, errors.New("syntax error near DROP"), context.DeadlineExceeded} {
		store.Failing("AccessToken", err)
		for name, g := range guards {
			for _, bearer := range []string{token, own} {
				a := s.Call(g, "Authorization", "Bearer "+bearer)
				if errors.Is(err, oauth.ErrUnavailable) {
					a.WantTryLater()
				} else {
					a.WantJSONError(500, "server_error")
				}
				if a.Header.Get("WWW-Authenticate") != "" {
					t.Errorf("%s: the response to a fault of the server has a challenge, want none: clients would discard the token", name)
				}
			}
		}
	}
	store.Failing("", nil)
	s.Users.With(func() { s.Users.Failure = fmt.Errorf("directory: %w", oauth.ErrUnavailable) })
	s.Call(s.Guard(), "Authorization", "Bearer "+token).WantTryLater()
	s.Users.With(func() { s.Users.Failure = errors.New("no such table") })
	s.Call(s.Guard(), "Authorization", "Bearer "+token).WantJSONError(500, "server_error")
	s.Call(s.GuardClient(), "Authorization", "Bearer "+own).Told() // loads no user
	s.Users.With(func() { s.Users.Failure = nil })
	s.Call(s.Guard(), "Authorization", "Bearer "+token).Told()
}
