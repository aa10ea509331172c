package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/console"
)

// Until the server has started, /livez says that it lives, and every other request gets
// 503. A request that comes shortly before the end of a start waits for it.
func TestStarting_FR_51(t *testing.T) {
	for _, test := range []struct {
		method, path string
		starts       time.Duration // when the server has started
		want         int
		word         string
		took         time.Duration
	}{
		{"GET", "/livez", time.Minute, 200, "alive", 0},
		{"HEAD", "/livez", time.Minute, 200, "alive", 0},
		{"OPTIONS", "/livez", time.Minute, 200, "alive", 0},
		{"POST", "/livez", time.Minute, 405, "a probe uses", 0},
		{"GET", "/readyz", time.Minute, 503, "starting", 0},
		{"OPTIONS", "/readyz", time.Minute, 503, "starting", 0},
		{"GET", "/", time.Minute, 503, "starting", time.Second},
		{"POST", "/oauth/token", time.Minute, 503, "starting", time.Second},
		{"POST", "/oauth/token", 300 * time.Millisecond, 418, "served", 300 * time.Millisecond},
		{"GET", "/readyz", 0, 418, "served", 0},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler, done := console.Starting()
				served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "served", http.StatusTeapot) })
				if test.starts == 0 {
					done(served)
				} else {
					time.AfterFunc(test.starts, func() { done(served) })
				}
				begun, w := time.Now(), httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), test.method, test.path, nil))
				if took := time.Since(begun); w.Code != test.want || !strings.HasPrefix(w.Body.String(), test.word) || took != test.took {
					t.Errorf("%s %s = %d %q after %v, want %d %q after %v", test.method, test.path, w.Code, w.Body, took, test.want, test.word, test.took)
				}
				if retry := w.Header().Get("Retry-After"); (retry != "") != (test.want == 503) {
					t.Errorf("%s %s = %d with Retry-After %q, want it with 503", test.method, test.path, w.Code, retry)
				}
			})
		})
	}
}
