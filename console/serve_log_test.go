package console_test

import (
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/console"
)

func TestShortLog(t *testing.T) {
	request := func(l *slog.Logger, method, path string, status int, took time.Duration) {
		l.Info("request", "method", method, "path", path, "status", status, "bytes", 7, "duration", took, "request_id", "RQ1", "address", "192.0.2.1")
	}
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want string // after the time
	}{
		{"a request", func(l *slog.Logger) { request(l, "GET", "/oauth/jwks", 200, 412*time.Microsecond) }, "200  GET   /oauth/jwks  0.4 ms\n"},
		{"a slow one", func(l *slog.Logger) { request(l, "POST", "/oauth/token", 401, 1234*time.Millisecond) }, "401  POST  /oauth/token  1234 ms\n"},
		{"a fault has its ID", func(l *slog.Logger) { request(l, "GET", "/", 500, time.Millisecond) }, "500  GET   /  1.0 ms  request_id=RQ1\n"},
		{"a long path is cut", func(l *slog.Logger) { request(l, "GET", "/"+strings.Repeat("x", 100), 404, time.Millisecond) }, "404  GET   /" + strings.Repeat("x", 48) + "…  1.0 ms\n"},
		{"a refusal", func(l *slog.Logger) {
			l.Info("request refused", "request_id", "RQ1", "method", "POST", "path", "/oauth/token", "error", "invalid_grant", "err", "invalid_grant: the code has expired", "client_id", "web app")
		}, "INFO   request refused: invalid_grant: the code has expired  client_id=\"web app\"\n"},
		{"a warning", func(l *slog.Logger) {
			l.Warn("waiting for the database", "err", errors.New("refused"), "left", time.Second)
		}, "WARN   waiting for the database: refused  left=1s\n"},
		{"a stack", func(l *slog.Logger) { l.Error("a handler panicked", "err", "x", "stack", "main()\n\tmain.go:1\n") }, "ERROR  a handler panicked: x\n    main()\n    \tmain.go:1\n"},
		{"attributes and groups", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").With("b", "").Info("m", "c", true) }, "INFO   m  a=1  g.b=\"\"  g.c=true\n"},
		{"a text that looks like two lines", func(l *slog.Logger) { l.Info("m\nn", "v", "a\nb", "err", "c\nd") }, "INFO   m n: c d  v=\"a\\nb\"\n"},
		{"below the level", func(l *slog.Logger) { l.Debug("m") }, ""},
	}
	at := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  `)
	for _, test := range tests {
		var b strings.Builder
		test.log(console.ShortLog(&b, 79, slog.LevelInfo))
		if got := at.ReplaceAllString(b.String(), ""); got != test.want {
			t.Errorf("%s is written as\n%q, want\n%q", test.name, got, test.want)
		}
	}
}
