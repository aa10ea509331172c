// Package wire reads requests and writes responses. It has the entry of every
// request, and reads forms, reads and writes JSON, sets CORS headers, and logs
// refusals.
package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/throttle"
	"github.com/go-passport/passport/oauth"
)

// WriteJSON writes a value as JSON that no cache may store (RFC 6749 §5.1).
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a failed write means that the client has disconnected
}

// Log writes refusals to the application's log.
type Log struct{ *slog.Logger }

// WriteError writes err in the form of RFC 6749 §5.2, and logs it.
func (l Log) WriteError(w http.ResponseWriter, r *http.Request, err error) {
	l.WriteErrorAs(w, r, err, oauth.AsError(err).Code.Status())
}

// WriteErrorAs is [Log.WriteError] for an endpoint where the code has another status.
func (l Log) WriteErrorAs(w http.ResponseWriter, r *http.Request, err error, status int) {
	e := oauth.AsError(err)
	l.Refusal(r, e, err)
	SetRetryAfter(w, e)
	status = cmp.Or(UnreadableStatus(err), status)
	throttled := SetThrottled(w, err)
	if throttled {
		status = http.StatusTooManyRequests
	}
	if e.Code == oauth.InvalidClient && !throttled {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth", charset="UTF-8"`)
	}
	WriteJSON(w, status, e)
}

// WrongMethod writes and logs a 405 (RFC 9110 §15.5.6). allow lists the methods that
// the path supports.
func (l Log) WrongMethod(w http.ResponseWriter, r *http.Request, allow string, err *oauth.Error) {
	l.Refusal(r, err, err)
	w.Header().Set("Allow", allow)
	WriteJSON(w, http.StatusMethodNotAllowed, err)
}

// SetRetryAfter sets Retry-After if the server is temporarily unavailable.
func SetRetryAfter(w http.ResponseWriter, e *oauth.Error) {
	if e.Code == oauth.TemporarilyUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	}
}

// Refusal logs which check failed, at the level of [Level]. err has more details than the
// client's response.
func (l Log) Refusal(r *http.Request, e *oauth.Error, err error, attrs ...any) {
	attrs = append(attrs, "request_id", reqinfo.From(r.Context()).ID, "method", r.Method, "path", reqinfo.Path(r),
		"error", string(e.Code), "err", err.Error())
	if r.Context().Err() != nil && !bodylimit.TimedOut(err) { // a timeout of the body ends the context, too
		l.InfoContext(r.Context(), "request canceled by the client", attrs...)
		return
	}
	switch Level(e, err) {
	case slog.LevelError:
		l.ErrorContext(r.Context(), "request failed", attrs...)
	case slog.LevelWarn:
		l.WarnContext(r.Context(), "request refused", attrs...)
	default:
		l.InfoContext(r.Context(), "request refused", attrs...)
	}
}

// Level returns the level of a refusal in the log: Info for a client's mistake, Error for a
// fault that the operator must fix. It is Warn if the server is temporarily unavailable by
// its own decision, such as a limit: then err is not from [oauth.ErrUnavailable].
func Level(e *oauth.Error, err error) slog.Level {
	switch {
	case e.Code == oauth.ServerError || errors.Is(err, oauth.ErrUnavailable) && e.Code == oauth.TemporarilyUnavailable:
		return slog.LevelError
	case e.Code == oauth.TemporarilyUnavailable:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// SetThrottled sets the headers of a refusal by a throttle (RFC 6585 §4), and
// reports whether err is one.
func SetThrottled(w http.ResponseWriter, err error) bool {
	refusal, ok := errors.AsType[*throttle.Refusal](err)
	if !ok {
		return false
	}
	seconds := strconv.Itoa(int(math.Ceil(refusal.Wait.Seconds())))
	h := w.Header()
	h.Set("Retry-After", seconds)
	h.Set("RateLimit-Policy", fmt.Sprintf(`"failures";q=%d;w=%d`, refusal.Limit.Failures, int(refusal.Limit.Within.Seconds())))
	h.Set("RateLimit", `"failures";r=0;t=`+seconds)
	return true
}
