package bodylimit

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// timed is a body on a connection whose deadline cannot be set. A goroutine reads
// it, and the reader stops waiting at the deadline. The goroutine ends with the
// body or with the request, when net/http interrupts its read.
type timed struct {
	body     io.ReadCloser
	ctx      context.Context //nolint:containedctx // the context of the request, to which the body belongs
	w        http.ResponseWriter
	http1    bool
	deadline time.Time

	chunks chan chunk // nil before the first read
	rest   []byte     // of the last chunk
	err    error      // set once the end of the body is known
}

type chunk struct {
	bytes []byte
	err   error
}

const chunkSize = 4 << 10

// newTimed returns the body of a request with a time limit.
func newTimed(w http.ResponseWriter, r *http.Request, within time.Duration) *timed {
	t := &timed{body: r.Body, ctx: r.Context(), w: w, http1: r.ProtoMajor == 1, deadline: time.Now().Add(within)}
	if t.http1 {
		// Otherwise net/http waits for the rest of the body before it sends the
		// response.
		w.Header().Set("Connection", "close")
	}
	return t
}

func (t *timed) Read(p []byte) (int, error) {
	if len(t.rest) == 0 && t.err == nil {
		t.next()
	}
	if len(t.rest) > 0 {
		n := copy(p, t.rest)
		t.rest = t.rest[n:]
		return n, nil
	}
	return 0, t.err
}

// next waits for a chunk.
func (t *timed) next() {
	if t.chunks == nil {
		t.chunks = make(chan chunk)
		go t.pump()
	}
	timer := time.NewTimer(time.Until(t.deadline))
	defer timer.Stop()
	select {
	case c := <-t.chunks:
		t.rest, t.err = c.bytes, c.err
		if errors.Is(t.err, io.EOF) && t.http1 {
			t.w.Header().Del("Connection")
		}
	case <-timer.C:
		t.err = os.ErrDeadlineExceeded
	case <-t.ctx.Done():
		t.err = t.ctx.Err()
	}
}

// pump reads the whole body.
func (t *timed) pump() {
	for {
		b := make([]byte, chunkSize)
		n, err := t.body.Read(b)
		select {
		case t.chunks <- chunk{b[:n], err}:
		case <-t.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Close does nothing: net/http closes the body at the end of the request. Closing it
// here would block until the goroutine ends.
func (t *timed) Close() error { return nil }
