package testkit

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// LockedBuffer is a bytes.Buffer that is safe for concurrent use.
type LockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns everything that was written.
func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// WantLog fails the test unless the log contains these texts.
func (s *Server) WantLog(texts ...string) {
	s.T.Helper()
	for _, text := range texts {
		if !strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log does not contain %q", text)
		}
	}
}

// WantNoSecrets fails the test if the log contains one of these secrets.
func (s *Server) WantNoSecrets(secrets ...string) {
	s.T.Helper()
	for _, text := range secrets {
		if text == "" || strings.Contains(s.Log.String(), text) {
			s.T.Errorf("the log contains the secret %q", text)
		}
	}
}

// WantBlameless fails the test if the server logged an error. A client's
// request must never cause a server error.
func (s *Server) WantBlameless() {
	s.T.Helper()
	for line := range strings.Lines(s.Log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			s.T.Errorf("a client's request was logged as a server error: %s", line)
		}
	}
}

// Printed returns a value formatted with every verb that could print a secret.
func Printed(v any) string {
	return fmt.Sprintf("%v\n%+v\n%#v\n%s\n%x", v, v, v, v, v)
}

// WantHidden fails the test if fmt, log/slog or an error prints a secret of a value.
// value is a struct or a pointer to one.
func WantHidden(t *testing.T, value any, secrets ...string) {
	t.Helper()
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("made", "value", value, slog.Group("group", "value", value))
	}
	nested := struct{ Made any }{value}
	texts := map[string]string{
		"fmt": Printed(value) + fmt.Sprint(value) + fmt.Sprintln(value), "fmt in a struct": Printed(nested), "fmt in a list": Printed([]any{value}),
		"fmt in a map": Printed(map[string]any{"made": value}), "an error": fmt.Errorf("made %v", value).Error(), "slog": log.String(),
	}
	for _, secret := range secrets {
		for where, text := range texts {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) || strings.Contains(text, strings.Trim(fmt.Sprint([]byte(secret)), "[]")) {
				t.Errorf("%s prints the secret of a %T: %.500s", where, value, text)
			}
		}
	}
}

// TextLog returns a logger that writes lines of text.
func TextLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
