package console

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-passport/passport/internal/logline"
	"github.com/go-passport/passport/internal/loopback"
	"github.com/go-passport/passport/internal/page"
	"github.com/go-passport/passport/internal/reqinfo"
)

// accessMessage is the message of the line about a request.
const accessMessage = "request"

// middleware wraps every route of the binary. It adds a request ID and the access log,
// and responds with a page to a panic.
func (p *pages) middleware(next http.Handler, logger *slog.Logger, trusted []netip.Prefix) http.Handler {
	logger = logline.Bounded(logger, nil)
	proxies := reqinfo.NewProxies(trusted, logger)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		r = proxies.Attach(w, r)
		recorder := &recorder{ResponseWriter: w}
		cut := p.answer(recorder, r, next, logger)
		info := reqinfo.From(r.Context())
		// The path alone: a query may hold a code, a header a token.
		logger.LogAttrs(r.Context(), slog.LevelInfo, accessMessage,
			slog.String("method", r.Method), slog.String("path", reqinfo.Path(r)),
			slog.Int("status", recorder.code()), slog.Int64("bytes", recorder.bytes),
			slog.Duration("duration", time.Since(begin)),
			slog.String("request_id", info.ID), slog.String("address", info.Address))
		if cut {
			panic(http.ErrAbortHandler)
		}
	})
}

// answer runs the handler. It reports whether the connection must be closed, because
// the response is incomplete.
func (p *pages) answer(w *recorder, r *http.Request, next http.Handler, logger *slog.Logger) (cut bool) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			cut = true
			return
		}
		id := reqinfo.From(r.Context()).ID
		logger.Error("a handler panicked", "err", describe(fault), "request_id", id, "stack", logline.Whole(debug.Stack()))
		if cut = w.status != 0; !cut {
			p.respond(w, r, http.StatusInternalServerError)
		}
	}()
	next.ServeHTTP(w, r)
	return false
}

// describe describes a panic without a text that may come from the request. The stack
// has the rest.
func describe(fault any) string {
	if err, ok := fault.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic with a %T", fault)
}

// recorder counts the bytes of a response and keeps its status.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK // the default of net/http
	}
	return r.status
}

// ownName redirects a browser that uses another name of loopback to the issuer's name:
// localhost and 127.0.0.1 don't share cookies, so a sign-in at one of them is unknown at
// the other. It doesn't redirect from another port, which belongs to a proxy on the
// same machine.
func ownName(next http.Handler, issuer *url.URL) http.Handler {
	if !loopback.Name(issuer.Hostname()) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := url.URL{Host: r.Host}
		if r.Method != http.MethodGet || r.Host == issuer.Host || !loopback.Name(asked.Hostname()) || asked.Port() != issuer.Port() {
			next.ServeHTTP(w, r)
			return
		}
		to := url.URL{Scheme: issuer.Scheme, Host: issuer.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		page.Private(w)
		w.Header().Set("Location", to.String())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
}
