package passport_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

const nearPathNotice = "a request was sent to a path that does not exist"

// The response to a path that does not exist is a plain 404. The log names the path
// that was meant.
func TestServeHTTP_FR_35_LogNamesTheRightPath(t *testing.T) {
	s := testkit.NewServer(t)
	for _, tt := range []struct {
		method, path, meant string
		status              int
	}{
		{"POST", "/oauth/token/", "/oauth/token", 404}, {"POST", "/oauth//token", "/oauth/token", 307}, {"POST", "/token", "/oauth/token", 404},
		{"POST", "/oauth2/token", "/oauth/token", 404}, {"GET", "/OAuth/authorize", "/oauth/authorize", 404},
		{"GET", "/oauth/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server", 404},
		{"GET", "/orders", "", 404}, {"GET", "/oauth/jwks", "", 200}, {"DELETE", "/oauth/clients/42", "", 401}, {"TRACE", "/oauth/token", "", 405},
	} {
		before := s.Log.String()
		r := httptest.NewRequest(tt.method, testkit.Issuer+tt.path, nil)
		if tt.status == 307 {
			r.URL.Path = tt.path
		}
		a := s.Do(r).WantStatus(tt.status)
		line := strings.TrimPrefix(s.Log.String(), before)
		if got := strings.Contains(line, nearPathNotice); got != (tt.meant != "") || got && !strings.Contains(line, `"meant":"`+tt.meant+`"`) {
			t.Errorf("%s %s = %d: the log has %q, want a line that names %q", tt.method, tt.path, a.Status, line, tt.meant)
		}
	}
}

func TestServeHTTP_FR_35_LogIsBounded(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Path = "/o" })
	for i := range 3000 {
		s.Do(httptest.NewRequest("POST", fmt.Sprintf("%s/%d/token", testkit.Issuer, i), nil))
		s.Do(httptest.NewRequest("POST", testkit.Issuer+"/token", nil))
	}
	if n := strings.Count(s.Log.String(), nearPathNotice); n != 1000 {
		t.Errorf("3000 paths near an endpoint make %d log lines, want 1000 at most", n)
	}
	s.WantLog(`"path":"/token","meant":"/o/token"`)
}
