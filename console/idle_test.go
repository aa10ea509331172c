package console_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/console"
)

// pipes is a listener for connections in memory, whose deadlines use the time of the test.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// A load balancer may reuse a connection after ten minutes.
func TestServeHTTP_FR_28_IdleConnections(t *testing.T) {
	for _, test := range []struct {
		name          string
		timeout, idle time.Duration
		kept          bool
	}{
		{"Google's load balancer, by default", console.DefaultIdleTimeout, 601 * time.Second, true},
		{"longer than the default", console.DefaultIdleTimeout, 621 * time.Second, false},
		{"Envoy, with a setting", 65 * time.Minute, time.Hour, true},
		{"a short setting", time.Minute, 61 * time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{make(chan net.Conn), make(chan struct{})}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") })
				go func() { ended <- console.ServeHTTP(ctx, l, handler, slog.New(slog.DiscardHandler), test.timeout) }()
				balancer, server := net.Pipe()
				l.made <- server
				reader := bufio.NewReader(balancer)
				ask := func() error {
					if _, err := io.WriteString(balancer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
						return err
					}
					res, err := http.ReadResponse(reader, nil)
					if err != nil {
						return err
					}
					_, err = io.Copy(io.Discard, res.Body)
					return err
				}
				if err := ask(); err != nil {
					t.Fatalf("the first request: %v", err)
				}
				time.Sleep(test.idle)
				if err := ask(); (err == nil) != test.kept {
					t.Errorf("a request after %v without one: %v, want the connection kept: %v", test.idle, err, test.kept)
				}
				_ = balancer.Close()
				stop()
				if err := <-ended; err != nil {
					t.Errorf("the server ended with %v", err)
				}
			})
		})
	}
}

func TestSettings_FR_28_IdleTimeout(t *testing.T) {
	t.Chdir(t.TempDir())
	for value, want := range map[string]string{"0s": "idle_timeout is 0s: want at least 1s", "-1s": "idle_timeout is -1s"} {
		if got := run(t, console.Options{Env: []string{"PASSPORT_IDLE_TIMEOUT=" + value}}, "migrate"); got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("with the timeout %s: %+v, want %q", value, got, want)
		}
	}
}
