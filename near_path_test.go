package passport_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/testkit"
)

const nearPathNotice = "a request was sent to a path that does not exist"

// The response to an unknown path is a plain 404. The log names the path that was
// probably meant.
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

// Many requests for paths near one endpoint write few log lines. They suppress the
// line for another endpoint never, and the line for the same endpoint only for a
// while.
func TestServeHTTP_FR_35_LogIsBounded(t *testing.T) {
	for name, path := range map[string]string{
		"the numbers of clients": "/oauth/clients/%d/", "prefixes": "/%d/oauth/authorize", "slashes": "/oauth/clients/%d//", "metadata": "/.well-known/openid-configuration/%d",
		"case": "/OAUTH/clients/A%d",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := testkit.NewServer(t)
			lines := func() int { return strings.Count(s.Log.String(), nearPathNotice) }
			ask := func(path string) (created int) {
				before := lines()
				s.Do(httptest.NewRequest("POST", testkit.Issuer+path, nil))
				return lines() - before
			}
			for i := range 3000 {
				ask(fmt.Sprintf(path, i))
			}
			if n := lines(); n < 1 || n > 10 {
				t.Errorf("%s: 3000 paths near one endpoint write %d log lines, want 10 at most", name, n)
			}
			if first, second := ask("/oauth/token/"), ask("/oauth/token/"); first != 1 || second != 0 {
				t.Errorf("%s: two requests for /oauth/token/ after 3000 near another endpoint write %d and %d lines, want 1 and 0", name, first, second)
			}
			time.Sleep(time.Hour)
			if n := ask(fmt.Sprintf(path, 3000)); n != 1 {
				t.Errorf("%s: a request an hour later writes %d lines, want 1", name, n)
			}
		})
	}
}
