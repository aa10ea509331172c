package firstparty

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// freshWriter calls a function once, before the header of an answer is written.
// What else the writer below can do is found through Unwrap, as by
// [http.ResponseController]; what would write the header passes here first.
type freshWriter struct {
	http.ResponseWriter
	before func(http.ResponseWriter) // nil once it was called
}

// begin calls the function, if nobody has yet.
func (w *freshWriter) begin() {
	if before := w.before; before != nil {
		w.before = nil
		before(w.ResponseWriter)
	}
}

// Unwrap is for [http.ResponseController].
func (w *freshWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter]. Of the 1xx, 101 alone is the last
// header of an answer.
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

// ReadFrom implements [io.ReaderFrom], by which files are sent.
func (w *freshWriter) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, src)
}

// FlushError is what [http.ResponseController] calls.
func (w *freshWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (w *freshWriter) Flush() { _ = w.FlushError() }

// Hijack implements [http.Hijacker]. Whoever takes the connection over writes the
// header too.
func (w *freshWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.before = nil
	}
	return conn, buffered, err
}
