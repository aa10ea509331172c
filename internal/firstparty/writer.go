package firstparty

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// freshWriter calls a function once, before the response header is written. Other
// capabilities of the underlying writer are found through Unwrap, as by
// [http.ResponseController]. Every method that writes the header is intercepted
// here.
type freshWriter struct {
	http.ResponseWriter
	before func(http.ResponseWriter) // nil after the call
}

// begin calls the function, the first time.
func (w *freshWriter) begin() {
	if before := w.before; before != nil {
		w.before = nil
		before(w.ResponseWriter)
	}
}

// Unwrap is for [http.ResponseController].
func (w *freshWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter]. Of the 1xx statuses, only 101 is a
// final header.
func (w *freshWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *freshWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom], which sends files.
func (w *freshWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, src)
}

// FlushError implements the flushing that [http.ResponseController] calls.
func (w *freshWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (w *freshWriter) Flush() { _ = w.FlushError() }

// Hijack implements [http.Hijacker]. The new owner of the connection writes the
// header.
func (w *freshWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.before = nil
	}
	return conn, buffered, err
}
