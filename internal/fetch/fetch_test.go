package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/fetch"
)

// form is what the tests send.
var form = url.Values{"logout_token": {"a.b.c"}}

// allowed returns hosts, and fails if one is wrong.
func allowed(t *testing.T, list ...string) fetch.Hosts {
	t.Helper()
	hosts, err := fetch.ParseHosts(list)
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

// local returns a client that may use 127.0.0.1.
func local(t *testing.T) *fetch.Client {
	t.Helper()
	return fetch.New(fetch.Config{Allowed: allowed(t, "127.0.0.1"), Timeout: 300 * time.Millisecond})
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // until then the server does not see that the client is gone
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestPostForm_BL_04(t *testing.T) {
	var got *http.Request
	var body string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
		w.WriteHeader(http.StatusNoContent)
	})
	client := local(t)
	for range 2 { // the second has no cookie of the first
		res, err := client.PostForm(t.Context(), server.URL+"/logout?tenant=1", form)
		if err != nil || res.Status != http.StatusNoContent {
			t.Fatalf("PostForm() = %v, %v, want status 204", res, err)
		}
		if got.Method != http.MethodPost || got.RequestURI != "/logout?tenant=1" || body != form.Encode() || got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("the server received %s %s with %q of type %s", got.Method, got.RequestURI, body, got.Header.Get("Content-Type"))
		}
		for _, name := range []string{"Cookie", "Authorization", "Referer", "Accept-Encoding"} {
			if got.Header.Get(name) != "" {
				t.Errorf("the request has the header %s: %s", name, got.Header.Get(name))
			}
		}
	}
}

func TestPostForm_BL_04_FollowsNoRedirect(t *testing.T) {
	var hits atomic.Int32
	target := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL, status) })
		res, err := local(t).PostForm(t.Context(), server.URL, form)
		if err != nil || res.Status != status {
			t.Errorf("PostForm() = %v, %v, want status %d", res, err, status)
		}
		if _, err := local(t).GetJSON(t.Context(), server.URL, 100); err == nil {
			t.Errorf("GetJSON() accepts the status %d", status)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the target of a redirect got %d requests, want none", n)
	}
}

func TestPostForm_BL_04_ReadsAtMost4KB(t *testing.T) {
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	if res, err := local(t).PostForm(t.Context(), endless.URL, form); err != nil || res.Status != http.StatusOK || len(res.Body) != 4<<10 {
		t.Errorf("PostForm() with an endless body = %v, want status 200 and 4 KB", err)
	}
	if _, err := local(t).GetJSON(t.Context(), endless.URL, 1000); err == nil {
		t.Error("GetJSON() accepts an endless body")
	}

	slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "{")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	if res, err := local(t).PostForm(t.Context(), slow.URL, form); err != nil || res.Status != http.StatusOK || string(res.Body) != "{" {
		t.Errorf("PostForm() with a slow body = %v, %v, want status 200", res, err)
	}
}

func TestFetch_BL_04_SlowServers(t *testing.T) {
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	dripping := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	stuck := listen(t, func(net.Conn) {}) // accepts and sends nothing
	headers := listen(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X: y\r\n"); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	for name, target := range map[string]string{"silent": silent.URL, "dripping body": dripping.URL, "no HTTP": "http://" + stuck, "no TLS": "https://" + stuck, "dripping headers": "http://" + headers} {
		start := time.Now()
		_, err := local(t).GetJSON(t.Context(), target, 1<<20)
		if err == nil {
			t.Errorf("GetJSON() of a server with %s succeeds", name)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("GetJSON() of a server with %s took %v, want about 300 ms", name, d)
		}
	}
}

func TestFetch_BoundsHeaders(t *testing.T) {
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Large", strings.Repeat("x", 1<<20)) })
	if _, err := local(t).PostForm(t.Context(), large.URL, form); err == nil {
		t.Error("PostForm() accepts a header of 1 MB")
	}
	early := listen(t, func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); err != nil {
				return
			}
		}
	})
	if _, err := local(t).PostForm(t.Context(), "http://"+early, form); err == nil {
		t.Error("PostForm() accepts endless informational responses")
	}
}

// listen accepts connections, and calls talk for each.
func listen(t *testing.T, talk func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c)
		}
	}()
	return l.Addr().String()
}

func TestGetJSON(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		kind, body string
		ok         bool
	}{
		"a document":      {200, "application/json", `{"a":1}`, true},
		"a charset":       {200, "Application/JSON; charset=utf-8", `{"a":1}`, true},
		"a JSON type":     {200, "application/jwk-set+json", `{"a":1}`, true},
		"a page":          {200, "text/html", `{"a":1}`, false},
		"no type":         {200, "", `{"a":1}`, false},
		"another +json":   {200, "image/svg+json", `{"a":1}`, false},
		"no JSON":         {200, "application/json", `{"a":`, false},
		"two documents":   {200, "application/json", `{}{}`, false},
		"nothing":         {200, "application/json", ``, false},
		"an error":        {404, "application/json", `{"a":1}`, false},
		"another success": {206, "application/json", `{"a":1}`, false},
		"at the limit":    {200, "application/json", `{"a":"` + strings.Repeat("x", 92) + `"}`, true},
		"over the limit":  {200, "application/json", `{"a":"` + strings.Repeat("x", 93) + `"}`, false},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{c.kind}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		})
		res, err := local(t).GetJSON(t.Context(), server.URL, 100)
		if (err == nil) != c.ok {
			t.Errorf("GetJSON() with %s = %v, want success: %v", name, err, c.ok)
		} else if c.ok && string(res.Body) != c.body {
			t.Errorf("GetJSON() with %s = %q", name, res.Body)
		}
	}
}

func TestFetch_IgnoresProxiesOfTheEnvironment(t *testing.T) {
	var hits atomic.Int32
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	names, _ := resolver(t, func(int) []string { return []string{"127.0.0.1"} })
	client := fetch.New(fetch.Config{Allowed: allowed(t, "app.internal"), Resolver: names})
	res, err := client.PostForm(t.Context(), "http://app.internal:"+portOf(server), form)
	if err != nil || res.Status != http.StatusTeapot || hits.Load() != 0 {
		t.Errorf("PostForm() = %v, %v after %d requests at the proxy, want the server's response and no such request", res, err, hits.Load())
	}
}

func TestFetch_ErrorsDoNotNameTheQuery(t *testing.T) {
	for _, target := range []string{"http://127.0.0.1:1/p?key=canary", "https://canary@127.0.0.1/", "https://a.example/%zz?canary", "https://127.0.0.1/?key=canary", "gopher://a/canary"} {
		_, err := local(t).PostForm(t.Context(), target, form)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("PostForm(%q) = %v, want an error without the secret", target, err)
		}
	}
}

func TestFetch_EndsWithTheContext(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client := fetch.New(fetch.Config{Allowed: allowed(t, "127.0.0.1")})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if _, err := client.PostForm(ctx, server.URL, form); !errors.Is(err, context.Canceled) || time.Since(start) > 3*time.Second {
		t.Errorf("PostForm() = %v after %v, want the end of the context after 50 ms", err, time.Since(start))
	}
	if _, err := client.PostForm(ctx, server.URL, form); !errors.Is(err, context.Canceled) {
		t.Errorf("PostForm() with an ended context = %v", err)
	}
}

func portOf(s *httptest.Server) string { return s.URL[strings.LastIndexByte(s.URL, ':')+1:] }
