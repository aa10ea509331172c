package authorize

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// respond sends a response to the client (RFC 6749 §4.1.2): by a redirect, or by a form.
// Every response has the issuer (RFC 9207 §2).
func (e *Endpoint) respond(q *request, params ...redirect.Param) redirectOutcome {
	if !slices.ContainsFunc(params, func(p redirect.Param) bool { return p.Name == "state" }) {
		params = append(params, redirect.Param{Name: "state", Value: q.state})
	}
	params = append(params, redirect.Param{Name: "iss", Value: e.Issuer.String()})
	o := redirectOutcome{target: q.redirectURI, from: q.from}
	switch {
	case q.formPost:
		o.form = e.form(params)
	case q.responder != nil: // a token is in the fragment (RFC 6749 §4.2.2)
		o.target = redirect.AddFragment(o.target, params...)
	default:
		o.target = redirect.AddParams(o.target, params...)
	}
	return o
}

// refuse reports an error to the client if its redirect URI is known. Otherwise it
// shows an error page.
func (e *Endpoint) refuse(q *request, err error) outcome {
	public := oauth.AsError(err)
	if q.redirectURI == "" || !q.trusted() && !q.knows() && !mayBeRedirected(public.Code, err) {
		o := refused(pageStatus(public, err), err)
		o.client = q.client
		if q.sealed && (expired(public) || public.Code.Status() >= http.StatusInternalServerError) {
			o.again = q.startAgain()
		}
		return o
	}
	return e.refuseClient(q, err)
}

// refuseClient reports an error to the client.
func (e *Endpoint) refuseClient(q *request, err error) redirectOutcome {
	public := oauth.AsError(err)
	o := e.respond(q, redirect.Param{Name: "error", Value: string(public.Code)}, redirect.Param{Name: "error_description", Value: public.Description})
	o.err = err
	return o
}

// refused returns an error page.
func refused(status int, err error) errorOutcome {
	return errorOutcome{common: common{err: err}, status: status}
}

// mayBeRedirected reports whether an untrusted client gets this error by redirect.
// These errors also end legitimate requests: the user declined, or the server failed. The
// client cannot cause them.
func mayBeRedirected(code oauth.ErrorCode, err error) bool {
	if errors.Is(err, errUnmet) {
		return false
	}
	return code == oauth.AccessDenied || code == oauth.ServerError || code == oauth.TemporarilyUnavailable
}

// pageStatus returns the status of an error page. An unknown client is not a 401:
// it has not tried to authenticate.
func pageStatus(e *oauth.Error, err error) int {
	switch status := wire.UnreadableStatus(err); {
	case status != 0:
		return status
	case e == errQueryTooLong:
		return http.StatusRequestURITooLong
	case e.Code.Status() >= 500:
		return e.Code.Status()
	}
	return http.StatusBadRequest
}
