package firstparty_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// Over a real connection, where a written header is final, every way to write the
// header sends the cookies.
func TestFreshToken_EveryWayToWrite(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for name, write := range map[string]http.HandlerFunc{
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"Write":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		"WriteHeader": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) },
		"WriteHeader twice": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(200)
		},
		"io.Copy": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("x")) },
		"ReadFrom": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
		},
		"a file":  func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "go.mod") },
		"Flusher": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"ResponseController": func(w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			if err := errors.Join(c.SetWriteDeadline(time.Now().Add(time.Minute)), c.Flush()); err != nil {
				t.Errorf("ResponseController: %v", err)
			}
		},
	} {
		a := b.OverTheWire(s.FreshToken(write), nil)
		a.WantCookies(name, testkit.TokenCookie, testkit.XSRFCookie)
	}
}

// Early hints (RFC 8297) are not the final response and have no cookie.
func TestFreshToken_EarlyHints(t *testing.T) {
	s := testkit.NewServer(t)
	var hints []http.Header
	trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints = append(hints, http.Header(h))
		return nil
	}}
	a := s.Browser().SignIn("alice").OverTheWire(s.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	})), trace)
	a.WantCookies("the response", testkit.TokenCookie, testkit.XSRFCookie)
	if len(hints) != 1 || len(hints[0].Values("Set-Cookie")) > 0 {
		t.Errorf("the hints were %v, want one response 103 without a cookie", hints)
	}
}

// A streamed page arrives while it is written.
func TestFreshToken_Streams(t *testing.T) {
	s := testkit.NewServer(t)
	arrived := make(chan struct{})
	page := s.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		select {
		case <-arrived:
		case <-r.Context().Done():
			t.Error("the first line did not arrive before the second was written")
		}
		_, _ = io.WriteString(w, "second\n")
	}))
	site := httptest.NewServer(page)
	defer site.Close()
	res, err := site.Client().Get(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	close(arrived)
	if line, err := lines.ReadString('\n'); line != "second\n" || err != nil {
		t.Errorf("the second line is %q, %v", line, err)
	}
}

// FreshToken does not touch a connection that the handler hijacks. If the handler
// can't hijack it, the response is like any other.
func TestFreshToken_Hijack(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	var asked atomic.Int32
	s.Users.Current = func(u *passport.User) (*passport.User, error) { asked.Add(1); return u, nil }
	for name, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"Hijacker": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) { return w.(http.Hijacker).Hijack() },
		"ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	} {
		a := b.OverTheWire(s.FreshToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := hijack(w)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
		})), nil)
		if a.WantCookies(name); a.Body != "hi" {
			t.Errorf("%s: the response is %s, want what the handler wrote", name, a)
		}
		if n := asked.Load(); n != 0 {
			t.Errorf("%s: CurrentUser was called %d times for a hijacked connection, want 0", name, n)
		}
	}
	b.Page(func(w http.ResponseWriter, _ *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack of a recorder = %v, want ErrNotSupported", err)
		}
	}).WantCookies("a response that can't be hijacked", testkit.TokenCookie, testkit.XSRFCookie)
}
