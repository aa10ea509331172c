// Package bodylimit bounds the bodies of requests, in size and in time.
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

// Within is how long a body may take to arrive.
const Within = 30 * time.Second

// Limit is what a body may be. Use one for all requests of a server.
type Limit struct {
	Size   int64 // in bytes
	Within time.Duration
	Logger *slog.Logger

	noticed sync.Once
}

// New returns a limit of a size and of [Within].
func New(size int64, logger *slog.Logger) *Limit {
	return &Limit{Size: size, Within: Within, Logger: logger}
}

// Apply puts the limit around the body of a request. A body that is too large
// fails with an [http.MaxBytesError], one that comes too slowly with an error that
// [TimedOut] knows.
//
// The time is that of the whole body: one that drips is cut off too. It also ends
// the wait of net/http for a body that the handler does not read. Once the body has
// been read, the deadline is gone. Between requests net/http sets its own.
func (l *Limit) Apply(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, l.Size)
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	switch {
	case !ok, r.ContentLength == 0: // a call within the process, or HTTP/2 without a body
		return
	case server.ReadTimeout > 0 && server.ReadTimeout <= l.Within: // the application asks for more than we do
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

// TimedOut reports whether a body was cut off for its slowness.
func TimedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// deadlined is a body on a connection that has a deadline for it.
type deadlined struct {
	io.ReadCloser
	w    http.ResponseWriter
	done bool
}

func (b *deadlined) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && !b.done {
		b.done = true
		// From here on net/http reads ahead, to learn of a client that leaves. A
		// deadline would look like that.
		_ = http.NewResponseController(b.w).SetReadDeadline(time.Time{}) // it worked before
	}
	return n, err
}
