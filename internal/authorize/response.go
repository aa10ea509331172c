package authorize

import (
	"net/http"
	"slices"

	"github.com/go-passport/passport/internal/redirect"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// respond sends the browser back to the client (RFC 6749 §4.1.2), with the issuer
// in every response (RFC 9207 §2).
func (e *Endpoint) respond(q *request, params ...redirect.Param) redirectOutcome {
	return redirectOutcome{target: e.responseURI(q, params), from: q.from}
}

// responseURI is where the browser goes with a response: in the query, or in the
// fragment where the response has a token (RFC 6749 §4.2.2).
func (e *Endpoint) responseURI(q *request, params []redirect.Param) string {
	if !slices.ContainsFunc(params, func(p redirect.Param) bool { return p.Name == "state" }) {
		params = append(params, redirect.Param{Name: "state", Value: q.state})
	}
	params = append(params, redirect.Param{Name: "iss", Value: e.Issuer.String()})
	if q.responder != nil {
		return redirect.AddFragment(q.redirectURI, params...)
	}
	return redirect.AddParams(q.redirectURI, params...)
}

// refuse tells the client what is wrong if the redirect URI is known, and otherwise
// shows an error page.
func (e *Endpoint) refuse(q *request, err error) outcome {
	told := oauth.AsError(err)
	if q.redirectURI == "" || !q.trusted() && !blameless(told.Code) {
		return refused(pageStatus(told, err), err)
	}
	return e.refuseClient(q, err)
}

// refuseClient tells the client.
func (e *Endpoint) refuseClient(q *request, err error) redirectOutcome {
	told := oauth.AsError(err)
	o := e.respond(q, redirect.Param{Name: "error", Value: string(told.Code)}, redirect.Param{Name: "error_description", Value: told.Description})
	o.err = err
	return o
}

// refused shows an error page.
func refused(status int, err error) errorOutcome { return errorOutcome{common{err: err}, status} }

// blameless reports whether an honest request may end in this error: the user
// declined, or the server failed.
func blameless(code oauth.ErrorCode) bool {
	return code == oauth.AccessDenied || code == oauth.ServerError || code == oauth.TemporarilyUnavailable
}

// pageStatus is the status of an error page. A client that is unknown here has
// not failed to authenticate: nobody asked it to.
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
