package bodylimit_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/bodylimit"
)

const within = 150 * time.Millisecond

// serve starts a server whose handler reads the body under a limit, and returns
// its address, its client and its log.
func serve(t *testing.T, http2 bool, wrap func(http.ResponseWriter) http.ResponseWriter) (string, *http.Client, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	limit := &bodylimit.Limit{Size: 1 << 10, Within: within, Logger: slog.New(slog.NewTextHandler(log, nil))}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = wrap(w)
		limit.Apply(w, r)
		body, err := io.ReadAll(r.Body)
		_, large := errors.AsType[*http.MaxBytesError](err)
		switch {
		case bodylimit.TimedOut(err):
			w.WriteHeader(http.StatusRequestTimeout)
		case large:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			_, _ = w.Write(body)
		}
	}))
	srv.EnableHTTP2 = http2
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL, srv.Client(), log
}

func post(t *testing.T, client *http.Client, url string, body io.Reader) (status int, proto, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatalf("POST = %v, want a response", err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Proto, string(all)
}

// Over HTTP/1 and HTTP/2, whether or not a middleware hides the connection, Apply
// cuts off a body that does not arrive and passes one that does.
func TestApply_FR_04_OverTheNetwork(t *testing.T) {
	plain := func(w http.ResponseWriter) http.ResponseWriter { return w }
	hidden := func(w http.ResponseWriter) http.ResponseWriter { return struct{ http.ResponseWriter }{w} }
	for _, tt := range []struct {
		name    string
		http2   bool
		wrap    func(http.ResponseWriter) http.ResponseWriter
		notices int
	}{
		{"HTTP/1.1", false, plain, 0}, {"HTTP/1.1, hidden", false, hidden, 1},
		{"HTTP/2.0", true, plain, 0}, {"HTTP/2.0, hidden", true, hidden, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url, client, log := serve(t, tt.http2, tt.wrap)
			for range 2 {
				reader, writer := io.Pipe()
				go func() { _, _ = writer.Write([]byte("a")) }()
				began := time.Now()
				status, proto, _ := post(t, client, url, reader)
				writer.Close()
				if status != http.StatusRequestTimeout || !strings.HasPrefix(tt.name, proto) || time.Since(began) < within {
					t.Errorf("response to a body that stops = %d over %s after %v, want 408 after %v", status, proto, time.Since(began), within)
				}
				if status, _, text := post(t, client, url, strings.NewReader("all of it")); status != 200 || text != "all of it" {
					t.Errorf("response to a complete body = %d %q, want 200 and the body", status, text)
				}
				if status, _, _ := post(t, client, url, strings.NewReader(strings.Repeat("a", 2<<10))); status != http.StatusRequestEntityTooLarge {
					t.Errorf("response to a body that is too large = %d, want 413", status)
				}
				if status, _, _ := post(t, client, url, http.NoBody); status != 200 {
					t.Errorf("response to a request without a body = %d, want 200", status)
				}
			}
			if n := strings.Count(log.String(), "Unwrap"); n != tt.notices {
				t.Errorf("the log has %d warnings about the middleware, want %d: %s", n, tt.notices, log)
			}
		})
	}
}

// Apply allocates nothing for a request without a body.
func TestApply_FR_04_NoBodyNoAllocation(t *testing.T) {
	limit := bodylimit.New(1<<10, slog.New(slog.DiscardHandler))
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	if n := testing.AllocsPerRun(100, func() { limit.Apply(w, r) }); n != 0 {
		t.Errorf("Apply to a request without a body makes %v allocations, want none", n)
	}
}
