package passport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

// http.ServeMux has the limits that docs/mounting.md lists.
func TestMount_FR_40_LimitsOfServeMux(t *testing.T) {
	s := testkit.NewServer(t)
	const ours, own = "ours", "the application's"
	mounted := func(pattern string) (mux *http.ServeMux, panicked bool) {
		defer func() { panicked = recover() != nil }()
		mux = http.NewServeMux()
		s.Mount(mux)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Own", "1") })
		return mux, false
	}
	for _, pattern := range []string{"HEAD /", "/{org}/clients/new", "GET /{org}/clients/new", "GET /oauth/clients/new", "/oauth/tokens/mine"} {
		if _, panicked := mounted(pattern); !panicked {
			t.Errorf("%q can be registered beside Mount, but docs/mounting.md says that it panics", pattern)
		}
	}
	for _, tt := range []struct{ pattern, method, url, want string }{
		{"auth.example.com/", "GET", "https://auth.example.com/oauth/jwks", own},
		{"auth.example.com/", "POST", "https://auth.example.com/oauth/token", own},
		{"auth.example.com/", "GET", "https://app.example.com/oauth/jwks", ours},
		{"/", "TRACE", "https://app.example.com/oauth/jwks", own},
		{"/", "PROPFIND", "https://app.example.com/oauth/token", own},
		{"/", "DELETE", "https://app.example.com/oauth/token", ours},
		{"/", "HEAD", "https://app.example.com/oauth/jwks", ours},
		{"GET /", "TRACE", "https://app.example.com/oauth/jwks", ours},
		{"GET /", "HEAD", "https://app.example.com/page", own},
	} {
		mux, panicked := mounted(tt.pattern)
		if panicked {
			t.Errorf("%q panics beside Mount", tt.pattern)
			continue
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(tt.method, tt.url, nil))
		got := ours // also for the mux's own 405
		if w.Header().Get("Own") != "" {
			got = own
		}
		if got != tt.want {
			t.Errorf("beside %q, the handler of %s %s is %s, want %s", tt.pattern, tt.method, tt.url, got, tt.want)
		}
	}
}
