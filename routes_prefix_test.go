package passport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// The Server works as a handler below a prefix, with and without http.StripPrefix.
func TestServer_FR_41_BelowAPrefix(t *testing.T) {
	for _, test := range []struct {
		name, issuer, path, endpoints string
		mount                         func(http.Handler) http.Handler
	}{
		{"http.StripPrefix, issuer with a path", "https://app.example.com/tenant", "", "/tenant/oauth", func(h http.Handler) http.Handler { return http.StripPrefix("/tenant", h) }},
		{"no StripPrefix, issuer with a path", "https://app.example.com/tenant", "", "/tenant/oauth", func(h http.Handler) http.Handler { return h }},
		{"http.StripPrefix twice, issuer with two segments", "https://app.example.com/a/b", "", "/a/b/oauth", func(h http.Handler) http.Handler { return http.StripPrefix("/a", http.StripPrefix("/b", h)) }},
		{"http.StripPrefix, Path with a prefix", "https://app.example.com", "/tenant/oauth", "/tenant/oauth", func(h http.Handler) http.Handler { return http.StripPrefix("/tenant", h) }},
		{"http.StripPrefix, Path is the root", "https://app.example.com/tenant", "/", "/tenant", func(h http.Handler) http.Handler { return http.StripPrefix("/tenant", h) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.Path = test.issuer, test.path })
			app := test.mount(s)
			for target, want := range map[string]int{
				"GET " + test.endpoints + "/jwks":          200,
				"POST " + test.endpoints + "/token":        400,
				"GET " + test.endpoints + "/authorize":     400,
				"DELETE " + test.endpoints + "/clients/7":  401,
				"PUT " + test.endpoints + "/clients/7%2F8": 401,
				"GET " + test.endpoints + "/nothing":       404,
			} {
				method, path, _ := strings.Cut(target, " ")
				w := httptest.NewRecorder()
				app.ServeHTTP(w, httptest.NewRequest(method, "https://app.example.com"+path, nil))
				if w.Code != want {
					t.Errorf("%s = %d %s, want %d", target, w.Code, w.Body, want)
				}
			}
		})
	}
}
