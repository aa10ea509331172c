package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
)

// patience is the maximum time for a body to arrive.
const patience = 30 * time.Second

// bodyRequests are requests with a body to every kind of endpoint, with the response
// if the body does not arrive.
var bodyRequests = map[string]struct {
	method, path, media string
	status              int
	says                string
}{
	"token":                     {"POST", "/oauth/token", "application/x-www-form-urlencoded", 408, `"the body did not arrive in time"`},
	"token, as JSON":            {"POST", "/oauth/token", "application/json", 400, "the body must be a form"},
	"token, PUT":                {"PUT", "/oauth/token", "", 405, "the token endpoint accepts only POST"},
	"authorize, a form":         {"POST", "/oauth/authorize", "application/x-www-form-urlencoded", 408, "Something is wrong with this request"},
	"authorize, JSON":           {"POST", "/oauth/authorize", "application/json", 408, `"the body did not arrive in time"`},
	"authorize, parts":          {"POST", "/oauth/authorize", "multipart/form-data; boundary=x", 408, "Something is wrong with this request"},
	"authorize, DELETE":         {"DELETE", "/oauth/authorize", "", 408, "Something is wrong with this request"},
	"authorize, GET":            {"GET", "/oauth/authorize", "", 408, "Something is wrong with this request"},
	"JWKS":                      {"POST", "/oauth/jwks", "", 405, "this document accepts only GET"},
	"JWKS, GET":                 {"GET", "/oauth/jwks", "", 200, `"keys"`},
	"metadata":                  {"PUT", "/.well-known/oauth-authorization-server", "", 405, "this document accepts only GET"},
	"refresh of the cookie":     {"POST", "/oauth/token/refresh", "", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API":                  {"POST", "/oauth/clients", "application/json", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, a form":          {"POST", "/oauth/clients", "application/x-www-form-urlencoded", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, parts":           {"POST", "/oauth/clients", "multipart/form-data; boundary=x", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, another type":    {"POST", "/oauth/clients", "text/plain", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, PUT":             {"PUT", "/oauth/clients/8", "application/json", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, DELETE":          {"DELETE", "/oauth/tokens/8", "", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, GET":             {"GET", "/oauth/scopes", "", 408, `{"message":"The body did not arrive in time."}`},
	"JSON API, personal tokens": {"POST", "/oauth/personal-access-tokens", "application/json", 408, `{"message":"The body did not arrive in time."}`},
	"no endpoint":               {"POST", "/oauth/nothing", "application/x-www-form-urlencoded", 404, "404 page not found"},
	"no endpoint, GET":          {"GET", "/oauth/nothing", "", 404, "404 page not found"},
	"no endpoint, the root":     {"POST", "/", "", 404, "404 page not found"},
	"no endpoint, OPTIONS":      {"OPTIONS", "/oauth/nothing", "", 404, "404 page not found"},
	"near an endpoint":          {"POST", "/oauth/token/", "application/x-www-form-urlencoded", 404, "404 page not found"},
	"redirected by the mux":     {"POST", "/oauth//token", "application/x-www-form-urlencoded", 307, ""},
}

// head returns the head of a request with a body of 1,000 bytes.
func head(method, path, media string) string {
	if media != "" {
		media = "Content-Type: " + media + "\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: auth.example.com\r\nSec-Fetch-Site: same-origin\r\n%sContent-Length: 1000\r\n\r\n", method, path, media)
}

// send writes to a connection, or fails the test.
func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("send %.40q: %v", text, err)
	}
}

// cutOff reads a response, and checks that it came within limit and that the
// connection was closed.
func cutOff(t *testing.T, c net.Conn, began time.Time, limit time.Duration) *testkit.Response {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Minute)) // a pipe has deadlines
	r := bufio.NewReader(c)
	a := testkit.ReadResponse(t, r)
	if took := time.Since(began); took > limit {
		t.Errorf("the response came after %v, want %v at most", took, limit)
	}
	if _, err := r.ReadByte(); err != io.EOF || a.Header.Get("Connection") != "close" {
		t.Errorf("the connection is open after %v (%v), Connection %q; want it closed", time.Since(began), err, a.Header.Get("Connection"))
	}
	return a
}

// Under an http.Server without limits, no request holds its connection for longer
// than 30 seconds, whether or not the endpoint reads the body.
func TestEndpoints_FR_04_TK_18_BodyThatNeverComes(t *testing.T) {
	for name, tt := range bodyRequests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testkit.NewServer(t)
				c, began := testkit.ServePipes(t, s)(), time.Now()
				send(t, c, head(tt.method, tt.path, tt.media))
				a := cutOff(t, c, began, patience)
				if a.Status != tt.status || !strings.Contains(a.Body, tt.says) {
					t.Errorf("response = %d %.200s, want %d with %s", a.Status, a.Body, tt.status, tt.says)
				}
				if tt.status == 408 && !strings.Contains(s.Log.String(), `"msg":"request refused"`) {
					t.Errorf("the log does not say that the body was too slow: %s", s.Log)
				}
			})
		})
	}
}

// The server also cuts off a body that arrives byte by byte.
func TestEndpoints_FR_04_TK_18_BodyThatDrips(t *testing.T) {
	for _, path := range []string{"/oauth/token", "/oauth/authorize", "/oauth/clients"} {
		synctest.Test(t, func(t *testing.T) {
			c, began := testkit.ServePipes(t, testkit.NewServer(t))(), time.Now()
			send(t, c, head("POST", path, "application/x-www-form-urlencoded"))
			go func() {
				for {
					time.Sleep(time.Second)
					if _, err := io.WriteString(c, "a"); err != nil {
						return
					}
				}
			}()
			if a := cutOff(t, c, began, patience); a.Status != 408 {
				t.Errorf("POST %s with a byte per second = %d %s, want 408", path, a.Status, a.Body)
			}
			time.Sleep(2 * time.Second) // for the client to notice
		})
	}
}

// The server also cuts off a body for a path that is not an endpoint, with any
// transfer encoding.
func TestServeHTTP_FR_04_BodyForNoEndpoint(t *testing.T) {
	for name, length := range map[string]string{
		"chunked": "Transfer-Encoding: chunked\r\n", "of a known length": "Content-Length: 1000\r\n",
		"after 100 Continue": "Content-Length: 1000\r\nExpect: 100-continue\r\n",
	} {
		for _, path := range []string{"/oauth/nothing", "/", "/oauth/token/", "/oauth//token"} {
			synctest.Test(t, func(t *testing.T) {
				c, began := testkit.ServePipes(t, testkit.NewServer(t))(), time.Now()
				send(t, c, "POST "+path+" HTTP/1.1\r\nHost: auth.example.com\r\n"+length+"\r\n")
				go func() {
					for {
						time.Sleep(2 * time.Second)
						if _, err := io.WriteString(c, "1\r\na\r\n"); err != nil {
							return
						}
					}
				}()
				if a := cutOff(t, c, began, patience); a.Status != 404 && a.Status != 307 {
					t.Errorf("POST %s with a body %s = %d %s, want the mux's response", path, name, a.Status, a.Body)
				}
				time.Sleep(3 * time.Second) // for the client to notice
			})
		}
	}
}

// A stricter limit of the application's http.Server stays in force.
func TestEndpoints_FR_04_StricterServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := testkit.ServePipes(t, testkit.NewServer(t), func(srv *http.Server) { srv.ReadTimeout = 5 * time.Second })(), time.Now()
		send(t, c, head("POST", "/oauth/token", "application/x-www-form-urlencoded"))
		if a := cutOff(t, c, began, 5*time.Second); a.Status != 408 {
			t.Errorf("response = %d %s, want 408", a.Status, a.Body)
		}
	})
}

// A request that arrives in time is handled, even if the endpoint takes long. Its
// connection can be used for another request, even much later.
func TestEndpoints_FR_04_ConnectionsAreKept(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"plain":                      func(h http.Handler) http.Handler { return h },
		"behind a middleware":        hidden,
		"behind one that buffers it": buffering,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &testkit.WatchedStore{}
				s := testkit.NewServer(t, func(c *passport.Config) { store.Store, c.Store = c.Store, store })
				client := s.Machine()
				store.Pause = func(verb string) {
					if verb == "Client" {
						time.Sleep(2 * patience) // longer than a body may take
					}
				}
				c := testkit.ServePipes(t, wrap(s))()
				responses := bufio.NewReader(c)
				for range 3 {
					head, body := testkit.Wire(t, client.TokenRequest("grant_type", "client_credentials"))
					send(t, c, string(head))
					time.Sleep(patience - time.Second)
					send(t, c, string(body))
					a := testkit.ReadResponse(t, responses)
					a.Tokens()
					if a.Header.Get("Connection") != "" {
						t.Errorf("the response has Connection: %s, want the connection kept", a.Header.Get("Connection"))
					}
					time.Sleep(3 * patience)
				}
			})
		})
	}
}

// hidden is a middleware whose ResponseWriter hides the connection.
func hidden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

// buffering is a middleware that reads the body first.
func buffering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the checks below find missing bytes
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		next.ServeHTTP(w, r)
	})
}

// If a middleware hides the connection, the endpoint still stops waiting, and the
// log names the remedy once.
func TestEndpoints_FR_04_HiddenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		dial := testkit.ServePipes(t, hidden(s))
		for range 2 {
			for name, tt := range bodyRequests {
				c, began := dial(), time.Now()
				send(t, c, head(tt.method, tt.path, tt.media)+"a")
				a := testkit.ReadResponse(t, bufio.NewReader(c))
				if took := time.Since(began); took > patience || a.Status != tt.status || a.Header.Get("Connection") != "close" {
					t.Errorf("%s: response %d after %v, Connection %q; want %d within %v, close", name, a.Status, took, a.Header.Get("Connection"), tt.status, patience)
				}
				c.Close()
			}
		}
		if n := strings.Count(s.Log.String(), "give it an Unwrap method"); n != 1 {
			t.Errorf("the log has %d warnings about the middleware, want 1", n)
		}
	})
}

// A request within the process has no connection, so there is no warning. It may
// have a nil body.
func TestEndpoints_FR_04_WithoutAConnection(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Machine()
	s.Exchange(c, "grant_type", "client_credentials").Tokens()
	r := httptest.NewRequest("POST", testkit.Issuer+"/oauth/token", nil)
	r.Body = nil
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.Do(r).WantJSONError(400, "invalid_request")
	if strings.Contains(s.Log.String(), "Unwrap") {
		t.Errorf("the log has a warning about a middleware: %s", s.Log)
	}
}
