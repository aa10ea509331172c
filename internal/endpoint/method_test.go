package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// A 405 is logged like every other refusal.
func TestEndpoints_LogAWrongMethod(t *testing.T) {
	for path, method := range map[string]string{
		"/oauth/token": "GET", "/oauth/revoke": "PUT", introspect: "GET", "/oauth/authorize": "DELETE", "/oauth/jwks": "POST",
		"/.well-known/oauth-authorization-server": "PATCH", "/oauth/tokens": "POST", "/oauth/token/refresh": "GET",
	} {
		s := testkit.NewServer(t)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, testkit.Issuer+path, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s = %d, want 405", method, path, w.Code)
		}
		s.WantLog("request refused", `"method":"`+method, `"path":"`+path)
	}
}
