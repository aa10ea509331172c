package jsonapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/bodylimit"
	"github.com/go-passport/passport/internal/reqinfo"
	"github.com/go-passport/passport/internal/wire"
	"github.com/go-passport/passport/oauth"
)

// resource is one path of the JSON API: its endpoints by method.
type resource map[string]action

// action serves one method of a resource, under the name of its route.
type action struct {
	name  string
	serve func(a *API, r *request) (response, error)
}

// request is a request of somebody who is signed in.
type request struct {
	*http.Request
	at    time.Time // when it had come in, before anybody was asked who the user is
	user  oauth.UserRef
	id    string // the last part of the path, for a resource that has one
	input input  // what the body holds
}

// response is a status and what is written as JSON; a nil body is none.
type response struct {
	status int
	body   any
}

// handler serves a resource.
func (a *API) handler(resource resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := a.respond(w, r, resource)
		if err != nil {
			answer = a.refuse(w, r, err)
		}
		if answer.body == nil {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(answer.status)
			return
		}
		wire.WriteJSON(w, answer.status, answer.body)
	})
}

// respond is a request to the JSON API from top to bottom.
func (a *API) respond(w http.ResponseWriter, r *http.Request, resource resource) (response, error) {
	if err := a.Forms.CheckScript(r); err != nil {
		return response{}, &failure{status: http.StatusForbidden, Message: "The request was sent by another site.", cause: err}
	}
	input, at, malformed := readInput(r)
	if bodylimit.TimedOut(malformed) { // the request's context has ended with it: nobody can be asked
		return response{}, malformed
	}
	endpoint, ok := resource[input.method(r)]
	if !ok {
		return response{}, wrongMethod(w, r, input.method(r), resource.allow())
	}
	who, err := a.Users.InBrowser(r)
	switch {
	case err != nil:
		return response{}, err
	case who == nil:
		return response{}, errUnauthenticated
	case malformed != nil:
		return response{}, malformed
	}
	info := reqinfo.From(r.Context())
	info.Actor = oauth.ForUser(who.Ref).Claim("")
	r = r.WithContext(reqinfo.With(r.Context(), info))
	return endpoint.serve(a, &request{Request: r, at: at, user: who.Ref, id: lastSegment(r.URL), input: input})
}

// methods are those that a resource may have, in the order in which they are
// listed. Where there is GET, there is HEAD.
var methods = []string{"GET", "POST", "PUT", "DELETE"}

// routes are the endpoints of a resource.
func (a resource) routes() (routes []wire.Route) {
	for _, method := range methods {
		endpoint, ok := a[method]
		switch {
		case ok && method == http.MethodGet:
			routes = append(routes, wire.Route{Name: endpoint.name, Methods: []string{http.MethodGet, http.MethodHead}})
		case ok:
			routes = append(routes, wire.Route{Name: endpoint.name, Methods: []string{method}})
		}
	}
	return routes
}

// allow lists the methods of a resource.
func (a resource) allow() string {
	var methods []string
	for _, route := range a.routes() {
		methods = append(methods, route.Methods...)
	}
	return strings.Join(methods, ", ")
}

// refusal answers every request to a resource with 405.
func (a *API) refusal(resource resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := a.refuse(w, r, wrongMethod(w, r, r.Method, resource.allow()))
		wire.WriteJSON(w, answer.status, answer.body)
	})
}

// wrongMethod is the error for a method that a path of the JSON API does not have.
func wrongMethod(w http.ResponseWriter, r *http.Request, method, allow string) error {
	w.Header().Set("Allow", allow)
	return &failure{status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("The %s method is not supported for route %s. Supported methods: %s.",
		reqinfo.Bounded(method), strings.TrimPrefix(reqinfo.Path(r), "/"), allow)}
}

// lastSegment is the last part of a path: an ID. Every router leaves it there.
func lastSegment(u *url.URL) string {
	path := u.EscapedPath()
	id, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return id
}

// failure is an answer that is no success.
type failure struct {
	status  int
	Message string `json:"message"`
	Errors  faults `json:"errors,omitempty"` // with 422
	cause   error  // for the log
}

func (e *failure) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.cause)
	}
	return e.Message
}

func (e *failure) Unwrap() error { return e.cause }

var (
	errUnauthenticated = &failure{status: http.StatusUnauthorized, Message: "Unauthenticated."}
	errNoSuchRecord    = &failure{status: http.StatusNotFound, Message: "there is no such record, or it is somebody else's"}
)

// refuse turns an error into an answer. What the caller is not to know is in
// the log alone.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) response {
	e, ok := errors.AsType[*failure](err)
	if !ok && errors.Is(err, oauth.ErrUnavailable) {
		e = &failure{status: http.StatusServiceUnavailable, Message: "Service Unavailable"}
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	} else if !ok {
		e = &failure{status: http.StatusInternalServerError, Message: "Server Error"}
	}
	a.Log.Refusal(r, &oauth.Error{Code: e.code()}, err, "status", e.status)
	if e == errNoSuchRecord {
		return response{status: e.status}
	}
	return response{e.status, e}
}

// code is what the log calls the error.
func (e *failure) code() oauth.ErrorCode {
	switch e.status {
	case http.StatusUnauthorized:
		return oauth.LoginRequired
	case http.StatusForbidden:
		return oauth.AccessDenied
	case http.StatusInternalServerError:
		return oauth.ServerError
	case http.StatusServiceUnavailable:
		return oauth.TemporarilyUnavailable
	}
	return oauth.InvalidRequest
}
