package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
)

// A request without a handler gets a page if it accepts HTML, and JSON otherwise. The
// responses of handlers stay as they are.
func TestUnrouted_PG_08_PageOrJSON(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })
	mux.HandleFunc("GET /own", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "my own 404", http.StatusNotFound) })
	mux.HandleFunc("GET /folder/", func(http.ResponseWriter, *http.Request) {})
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, test := range []struct {
		method, path, accept string
		status               int
		want                 string
	}{
		{"GET", "/none", browser, 404, "<h1>Page not found</h1>"},
		{"GET", "/none/<b>", browser, 404, "<h1>Page not found</h1>"},
		{"POST", "/page", browser, 405, "<h1>This page can’t be used like that</h1>"},
		{"GET", "/none", "application/json", 404, `{"error":"not_found","request_id":`},
		{"GET", "/none", "*/*", 404, `{"error":"not_found","request_id":`},
		{"DELETE", "/page", "", 405, `{"error":"method_not_allowed","request_id":`},
		{"GET", "/page", browser, 200, "the page"},
		{"GET", "/own", browser, 404, "my own 404"},
		{"GET", "/folder", browser, 307, `<a href="/folder/">`},
		{"GET", "//folder/", browser, 307, `<a href="/folder/">`},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Header.Set("Accept", test.accept)
		w, _ := logged(t, console.Unrouted(mux, mux).ServeHTTP, r)
		body := w.Body.String()
		if w.Code != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s for %q: %d %q, want %d with %q", test.method, test.path, test.accept, w.Code, body, test.status, test.want)
		}
		if html := strings.Contains(body, "<!doctype html>"); html && (!strings.Contains(body, `<a class="button" href="/">`) || w.Header().Get("Content-Security-Policy") == "") {
			t.Errorf("%s %s: the page has no link to the home page, or no policy: %s", test.method, test.path, body)
		}
		if allow := w.Header().Get("Allow"); test.status == 405 && allow != "GET, HEAD" {
			t.Errorf("%s %s: Allow is %q, want GET, HEAD", test.method, test.path, allow)
		}
	}
}
