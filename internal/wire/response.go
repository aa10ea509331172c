package passport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/oauth"
)

// writeJSON answers with a value that nobody may store (RFC 6749 §5.1).
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the connection may be gone; there is nobody to tell
}

// writeError answers with err in the form of RFC 6749 §5.2.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := oauth.AsError(err)
	s.logRefusal(r, e, err)
	setRetryAfter(w, e)
	status := cmp.Or(unreadableStatus(err), e.Code.Status())
	throttled := setThrottled(w, err)
	if throttled {
		status = http.StatusTooManyRequests
	}
	if e.Code == oauth.InvalidClient && !throttled {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth", charset="UTF-8"`)
	}
	writeJSON(w, status, e)
}

func setRetryAfter(w http.ResponseWriter, e *oauth.Error) {
	if e.Code == oauth.TemporarilyUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	}
}

// logRefusal says which check failed: at Info what a client did, at Error what
// the operator has to mend. err says more than the client is told.
func (s *Server) logRefusal(r *http.Request, e *oauth.Error, err error, attrs ...any) {
	attrs = append(attrs, "request_id", reqinfo.From(r.Context()).ID, "method", r.Method, "path", reqinfo.Path(r),
		"error", string(e.Code), "err", err.Error())
	switch {
	case r.Context().Err() != nil && !bodylimit.TimedOut(err): // which ends the context too
		s.config.Logger.InfoContext(r.Context(), "request given up by the client", attrs...)
	case e.Code == oauth.ServerError || e.Code == oauth.TemporarilyUnavailable:
		s.config.Logger.ErrorContext(r.Context(), "request failed", attrs...)
	default:
		s.config.Logger.InfoContext(r.Context(), "request refused", attrs...)
	}
}

// clientError adds to an error which client it is about, for the log.
func clientError(clientID string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("client %.100q: %w", clientID, err)
}

// unproven is the ID of a client that is not known to be one, for the log.
func unproven(id string) string { return reqinfo.Bounded(id) }
