package backchannel_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const notRun = "Server.Run does not run in this process"

func warnings(s *testkit.Server) int { return strings.Count(s.Log.String(), notRun) }

// A program that never calls Run is warned once: at its first request, if there were
// clients to tell when it began, and otherwise when a session ends.
func TestBackchannel_BL_08_WarnsWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
		s.Get("/oauth/jwks")
		s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), "session"))
		if n := warnings(s); n != 0 {
			t.Fatalf("%d warnings without a client to tell, want none:\n%s", n, s.Log)
		}
		c := s.Web()
		s.Change(c, func(stored *oauth.Client) {
			stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: "https://app.example.com/logout"}
		})
		time.Sleep(time.Minute)
		for range 3 {
			s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), "session"))
		}
		if n := warnings(s); n != 1 {
			t.Errorf("%d warnings after sessions have ended, want 1:\n%s", n, s.Log)
		}
		next := s.Restart()
		if n := warnings(s); n != 1 {
			t.Errorf("New has warned before the program could call Run:\n%s", s.Log)
		}
		next.Get("/oauth/jwks")
		next.Get("/oauth/jwks")
		if n := warnings(s); n != 2 {
			t.Errorf("%d warnings after the first request of another process, want 2", n)
		}
	})
}

// A program that mounts the server on its own mux is warned, too.
func TestBackchannel_BL_08_WarnsWithoutRunOnAMux(t *testing.T) {
	first := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
	first.Change(first.Web(), func(stored *oauth.Client) {
		stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: "https://app.example.com/logout"}
	})
	s := first.Restart()
	mux := http.NewServeMux()
	s.Mount(mux)
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://auth.example.com/oauth/jwks", nil))
	if n := warnings(s); n != 1 {
		t.Errorf("%d warnings after the first request to a mux that Mount has filled, want 1:\n%s", n, s.Log)
	}
}

// Neither a program that calls Run nor a command, which serves no request, is warned.
func TestBackchannel_BL_08_NoWarningWithRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := testkit.NewServer(t, testkit.WithOpenID(t, passport.OpenID{}))
		first.Change(first.Web(), func(stored *oauth.Client) {
			stored.OpenID = &oauth.ClientOpenID{BackchannelLogoutURI: "https://app.example.com/logout"}
		})
		command := first.Restart()
		command.Works(command.RevokeUser(t.Context(), testkit.Ref("alice")))
		s := first.Restart()
		stop := background(s)
		synctest.Wait()
		s.Get("/oauth/jwks")
		s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), "session"))
		if n := warnings(s); n != 0 {
			t.Errorf("%d warnings, want none:\n%s", n, s.Log)
		}
		stop()
	})
}

// Without OpenID Connect nothing is sent, and nothing is asked of the store.
func TestBackchannel_WithoutOpenID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		stop := background(s)
		s.Get("/oauth/jwks")
		s.Works(s.EndSession(t.Context(), testkit.Ref("alice"), "session"))
		time.Sleep(time.Minute)
		stop()
		status, err := s.LogoutStatus(t.Context(), "unknown")
		if err != nil || *status != (oauth.LogoutStatus{}) || warnings(s) != 0 {
			t.Errorf("LogoutStatus() = %+v, %v, and %d warnings; want nothing", status, err, warnings(s))
		}
	})
}
