package console_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/go-passport/passport/console"
	"github.com/go-passport/passport/internal/reqinfo"
)

// entry is a line of the log.
type entry map[string]any

// logged serves a request to a handler inside the middleware, and returns the
// answer and what was logged.
func logged(t *testing.T, handler http.HandlerFunc, r *http.Request, trusted ...netip.Prefix) (*httptest.ResponseRecorder, []entry) {
	t.Helper()
	var log bytes.Buffer
	w := httptest.NewRecorder()
	console.Middleware(handler, slog.New(slog.NewJSONHandler(&log, nil)), trusted).ServeHTTP(w, r)
	return w, entries(t, &log)
}

func entries(t *testing.T, log io.Reader) (all []entry) {
	t.Helper()
	for d := json.NewDecoder(log); ; {
		var e entry
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

func TestAccessLog(t *testing.T) {
	inside := ""
	handler := func(w http.ResponseWriter, r *http.Request) {
		inside = reqinfo.From(r.Context()).ID
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}
	r := httptest.NewRequest(http.MethodPost, "/tea", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	w, log := logged(t, handler, r)
	if len(log) != 1 {
		t.Fatalf("%d lines were logged for one request, want 1: %v", len(log), log)
	}
	for key, want := range map[string]any{
		"msg": "request", "level": "INFO", "method": "POST", "path": "/tea", "status": 418.0, "bytes": 15.0,
		"address": "192.0.2.1", "request_id": w.Header().Get("X-Request-Id"),
	} {
		if log[0][key] != want {
			t.Errorf("the access log has %s %v, want %v", key, log[0][key], want)
		}
	}
	if _, ok := log[0]["duration"].(float64); !ok {
		t.Errorf("the access log has no duration: %v", log[0])
	}
	if inside == "" || inside != log[0]["request_id"] {
		t.Errorf("the handler knows the request as %q, the log as %q", inside, log[0]["request_id"])
	}
}

func TestAccessLog_StatusNotWritten(t *testing.T) {
	_, log := logged(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewRequest(http.MethodGet, "/", nil))
	if log[0]["status"] != 200.0 {
		t.Errorf("status %v, want 200", log[0]["status"])
	}
}

func TestAccessLog_C7_OP_02_NoSecret(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/oauth/token?code=canary-query", strings.NewReader("client_secret=canary-body"))
	r.Header.Set("Authorization", "Bearer canary-token")
	r.Header.Set("Cookie", "session=canary-cookie")
	r.Header.Set("Referer", "https://a.example/?code=canary-referer")
	_, log := logged(t, func(http.ResponseWriter, *http.Request) {}, r)
	if text, _ := json.Marshal(log); bytes.Contains(text, []byte("canary")) {
		t.Errorf("the access log holds what is secret: %s", text)
	}
}

func TestAccessLog_FR_08_Bounded(t *testing.T) {
	for _, path := range []string{"/" + strings.Repeat("é", 5000), strings.Repeat("/é", 5000), strings.Repeat("/\u009b", 5000)} {
		r := httptest.NewRequest(http.MethodGet, "/"+url.PathEscape(path), nil)
		r.Method = strings.Repeat("M", 5000)
		_, log := logged(t, func(http.ResponseWriter, *http.Request) {}, r)
		if text, _ := json.Marshal(log); len(log) != 1 || len(text) > 3000 {
			t.Errorf("a request with a long method and path makes %d lines with %d bytes, want one line with at most 3000", len(log), len(text))
		}
	}
}

func TestAccessLog_OP_01_ForwardedByTrustedProxiesOnly(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:1234"
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	if _, log := logged(t, func(http.ResponseWriter, *http.Request) {}, r); log[0]["address"] != "10.0.0.1" {
		t.Errorf("address %v, want that of the connection", log[0]["address"])
	}
	if _, log := logged(t, func(http.ResponseWriter, *http.Request) {}, r, netip.MustParsePrefix("10.0.0.0/8")); log[0]["address"] != "198.51.100.7" {
		t.Errorf("address %v, want the one that the proxy reports", log[0]["address"])
	}
}

func TestAccessLog_FR_20_ForwardedWithAPort(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "[::ffff:10.0.0.1]:1234"
	for forwarded, want := range map[string]string{"203.0.113.9:51234": "203.0.113.9", "[2001:db8::1]:443": "2001:db8::1", "unknown": "10.0.0.1"} {
		r.Header.Set("X-Forwarded-For", forwarded)
		_, log := logged(t, func(http.ResponseWriter, *http.Request) {}, r, netip.MustParsePrefix("10.0.0.0/8"))
		if got := log[len(log)-1]["address"]; got != want {
			t.Errorf("X-Forwarded-For %q: the access log has address %v, want %s", forwarded, got, want)
		}
	}
}

func TestPanic(t *testing.T) {
	tests := []struct {
		name, accept, want string
	}{
		{"for people", "text/html,*/*", "Something went wrong"},
		{"for programs", "application/json", `"error":"server_error"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept", test.accept)
			w, log := logged(t, func(http.ResponseWriter, *http.Request) { panic("canary: a text of the request") }, r)
			id := w.Header().Get("X-Request-Id")
			if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), test.want) || !strings.Contains(w.Body.String(), id) {
				t.Errorf("answer %d %q, want 500 with %q and the request ID", w.Code, w.Body, test.want)
			}
			if len(log) != 2 || log[0]["msg"] != "a handler panicked" || log[0]["request_id"] != id || log[1]["status"] != 500.0 {
				t.Fatalf("log %v, want the panic once and the request", log)
			}
			if stack, _ := log[0]["stack"].(string); !strings.Contains(stack, "middleware_test.go") {
				t.Errorf("the stack does not show where: %q", stack)
			}
			if text, _ := json.Marshal(log); bytes.Contains(text, []byte("canary")) || strings.Contains(w.Body.String(), "canary") {
				t.Errorf("what the panic said, which may be secret, is in the log or the answer: %s", text)
			}
		})
	}
}

func TestPanic_OfTheRuntimeIsDescribed(t *testing.T) {
	var none map[string]int
	_, log := logged(t, func(http.ResponseWriter, *http.Request) { none["x"] = 1 }, httptest.NewRequest(http.MethodGet, "/", nil))
	if log[0]["err"] != "assignment to entry in nil map" {
		t.Errorf("err %v, want what the runtime said", log[0]["err"])
	}
}

// An answer that broke off must not look whole.
func TestPanic_InTheMiddleOfAnAnswer(t *testing.T) {
	var log bytes.Buffer
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of ")
		_ = http.NewResponseController(w).Flush()
		panic("now")
	})
	s := httptest.NewServer(console.Middleware(handler, slog.New(slog.NewJSONHandler(&log, nil)), nil))
	answer, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("the client got %q and thinks that this is all", body)
	}
	s.Close()
	if all := entries(t, &log); len(all) != 2 || all[1]["msg"] != "request" {
		t.Errorf("log %v, want the panic and the request", all)
	}
}

func TestPanic_AbortIsNoFault(t *testing.T) {
	var log bytes.Buffer
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if fault, _ := recover().(error); !errors.Is(fault, http.ErrAbortHandler) {
			t.Errorf("the middleware ended with %v, want http.ErrAbortHandler passed on", fault)
		}
		if all := entries(t, &log); len(all) != 1 || all[0]["msg"] != "request" {
			t.Errorf("log %v, want the request alone", all)
		}
	}()
	console.Middleware(handler, slog.New(slog.NewJSONHandler(&log, nil)), nil).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

func TestOwnName(t *testing.T) {
	tests := []struct {
		name, issuer, method, host, path string
		want                             string // the Location; none: let through
	}{
		{"by name", "http://127.0.0.1:8000", "GET", "localhost:8000", "/demo?x=1", "http://127.0.0.1:8000/demo?x=1"},
		{"by name, in capitals", "http://127.0.0.1:8000", "GET", "LOCALHOST:8000", "/", "http://127.0.0.1:8000/"},
		{"by the other number", "http://127.0.0.1:8000", "GET", "[::1]:8000", "/", "http://127.0.0.1:8000/"},
		{"what was escaped stays so", "http://127.0.0.1:8000", "GET", "localhost:8000", "/a%2Fb", "http://127.0.0.1:8000/a%2Fb"},
		{"a path that looks like a host", "http://127.0.0.1:8000", "GET", "localhost:8000", "//evil.example/x", "http://127.0.0.1:8000//evil.example/x"},
		{"the issuer's own", "http://127.0.0.1:8000", "GET", "127.0.0.1:8000", "/", ""},
		{"a proxy on this machine", "http://127.0.0.1:8000", "GET", "localhost:8001", "/", ""},
		{"a form", "http://127.0.0.1:8000", "POST", "localhost:8000", "/", ""},
		{"a container's name", "http://127.0.0.1:8000", "GET", "passport:8000", "/", ""},
		{"E16: a foreign name", "http://127.0.0.1:8000", "GET", "evil.example", "/", ""},
		{"an issuer on the network", "https://auth.example.com", "GET", "localhost:8000", "/", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer, err := url.Parse(test.issuer)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(test.method, "http://x"+test.path, nil)
			r.Host = test.host
			w := httptest.NewRecorder()
			console.OwnName(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), issuer).ServeHTTP(w, r)
			wantStatus := http.StatusTemporaryRedirect
			if test.want == "" {
				wantStatus = http.StatusNoContent
			}
			if w.Code != wantStatus || w.Header().Get("Location") != test.want {
				t.Errorf("%s %s at %s = %d to %q, want %d to %q", test.method, test.path, test.host, w.Code, w.Header().Get("Location"), wantStatus, test.want)
			}
		})
	}
}

func TestSafe(t *testing.T) {
	for database, want := range map[string]string{
		"sqlite:storage/passport.sqlite":                 "sqlite:storage/passport.sqlite",
		"postgres://me:canary@db.example/passport":       "postgres://me:xxxxx@db.example/passport",
		"postgres://me@db.example/passport?password=can": "postgres://me@db.example/passport",
		"mysql://me:can%zzary@db.example/passport":       "mysql:…",
	} {
		if got := console.Safe(database); got != want {
			t.Errorf("Safe(%q) = %q, want %q", database, got, want)
		}
	}
}
