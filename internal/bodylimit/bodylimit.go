// Package bodylimit limits the bodies of requests, in size and in time.
package bodylimit

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// Within is the maximum time for a body to arrive.
const Within = 30 * time.Second

// Limit is a limit for the bodies of requests. Use a single Limit for all requests
// of a server.
type Limit struct {
	Size   int64 // in bytes
	Within time.Duration
	Logger *slog.Logger

	noticed sync.Once
}

// New returns a limit with a size and with [Within].
func New(size int64, logger *slog.Logger) *Limit {
	return &Limit{Size: size, Within: Within, Logger: logger}
}

// Apply limits the body of a request. Reading a body that is too large fails with
// an [http.MaxBytesError]. Reading a body that is too slow fails with an error for
// which [TimedOut] returns true.
//
// The time limit is for the whole body, so that a client cannot send it byte by
// byte. It also ends net/http's wait for a body that the handler does not read. The
// deadline is removed once the body has been read. net/http sets its own deadline
// between requests.
func (l *Limit) Apply(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, l.Size)
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	switch {
	case !ok, r.ContentLength == 0: // a call within the process, or HTTP/2 without a body
		return
	case server.ReadTimeout > 0 && server.ReadTimeout <= l.Within: // the application's limit is stricter
		return
	}
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(l.Within))
	if err == nil {
		r.Body = &deadlined{ReadCloser: r.Body, w: w}
		return
	}
	if errors.Is(err, http.ErrNotSupported) {
		l.noticed.Do(func() {
			l.Logger.WarnContext(r.Context(), "the ResponseWriter of a middleware hides the connection: give it an Unwrap method, or connections whose client sends no body stay open")
		})
	}
	r.Body = newTimed(w, r, l.Within)
}

// TimedOut reports whether a body was too slow.
func TimedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// deadlined is a body on a connection that has a read deadline.
type deadlined struct {
	io.ReadCloser
	w    http.ResponseWriter
	done bool
}

func (b *deadlined) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && !b.done {
		b.done = true
		// net/http now reads ahead to detect a disconnected client. A deadline would
		// look like a disconnection.
		_ = http.NewResponseController(b.w).SetReadDeadline(time.Time{}) // it succeeded in Apply
	}
	return n, err
}
