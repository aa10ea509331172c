package passport

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
	"github.com/go-passport/passport/oauth"
)

// The JSON API is what a page of the application calls for who is signed in
// there. Paths, fields, dates, status codes and texts are those that front ends
// written for Laravel Passport know; what is added stands behind them.

// apiResource is one path of the JSON API: its endpoints by method.
type apiResource map[string]apiEndpoint

// apiEndpoint serves one method of a resource, under the name of its route.
type apiEndpoint struct {
	name  string
	serve func(s *Server, r *apiRequest) (apiAnswer, error)
}

// apiRequest is a request of somebody who is signed in.
type apiRequest struct {
	*http.Request
	at    time.Time // when it had come in, before anybody was asked who the user is
	user  UserRef
	id    string   // the last part of the path, for a resource that has one
	input apiInput // what the body holds
}

// apiAnswer is a status and what is written as JSON; a nil body is none.
type apiAnswer struct {
	status int
	body   any
}

// api serves a resource.
func (s *Server) api(resource apiResource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.answerAPI(w, r, resource)
		if err != nil {
			answer = s.refuseAPI(w, r, err)
		}
		if answer.body == nil {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(answer.status)
			return
		}
		writeJSON(w, answer.status, answer.body)
	})
}

// answerAPI is a request to the JSON API from top to bottom.
func (s *Server) answerAPI(w http.ResponseWriter, r *http.Request, resource apiResource) (apiAnswer, error) {
	if err := s.forms.CheckScript(r); err != nil {
		return apiAnswer{}, &apiError{status: http.StatusForbidden, Message: "The request was sent by another site.", cause: err}
	}
	input, at, malformed := readAPIInput(r)
	if bodylimit.TimedOut(malformed) { // the request's context has ended with it: nobody can be asked
		return apiAnswer{}, malformed
	}
	endpoint, ok := resource[input.method(r)]
	if !ok {
		return apiAnswer{}, wrongMethod(w, r, input.method(r), resource.allow())
	}
	who, err := s.users.InBrowser(r)
	switch {
	case err != nil:
		return apiAnswer{}, err
	case who == nil:
		return apiAnswer{}, errUnauthenticated
	case malformed != nil:
		return apiAnswer{}, malformed
	}
	info := reqinfo.From(r.Context())
	info.Actor = oauth.ForUser(who.Ref).Claim("")
	r = r.WithContext(reqinfo.With(r.Context(), info))
	return endpoint.serve(s, &apiRequest{Request: r, at: at, user: who.Ref, id: lastSegment(r.URL), input: input})
}

// apiMethods are those that a resource may have, in the order in which they are
// listed. Where there is GET, there is HEAD.
var apiMethods = []string{"GET", "POST", "PUT", "DELETE"}

// routes are the endpoints of a resource.
func (a apiResource) routes() (routes []route) {
	for _, method := range apiMethods {
		endpoint, ok := a[method]
		switch {
		case ok && method == http.MethodGet:
			routes = append(routes, route{endpoint.name, []string{http.MethodGet, http.MethodHead}})
		case ok:
			routes = append(routes, route{endpoint.name, []string{method}})
		}
	}
	return routes
}

// allow lists the methods of a resource.
func (a apiResource) allow() string {
	var methods []string
	for _, route := range a.routes() {
		methods = append(methods, route.methods...)
	}
	return strings.Join(methods, ", ")
}

// refusalOf answers every request to a resource with 405.
func (s *Server) refusalOf(resource apiResource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := s.refuseAPI(w, r, wrongMethod(w, r, r.Method, resource.allow()))
		writeJSON(w, answer.status, answer.body)
	})
}

// wrongMethod is the error for a method that a path of the JSON API does not have.
func wrongMethod(w http.ResponseWriter, r *http.Request, method, allow string) error {
	w.Header().Set("Allow", allow)
	return &apiError{status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("The %s method is not supported for route %s. Supported methods: %s.",
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

// apiError is an answer that is no success.
type apiError struct {
	status  int
	Message string    `json:"message"`
	Errors  apiFaults `json:"errors,omitempty"` // with 422
	cause   error     // for the log
}

func (e *apiError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.cause)
	}
	return e.Message
}

func (e *apiError) Unwrap() error { return e.cause }

var (
	errUnauthenticated = &apiError{status: http.StatusUnauthorized, Message: "Unauthenticated."}
	errNoSuchRecord    = &apiError{status: http.StatusNotFound, Message: "there is no such record, or it is somebody else's"}
)

// refuseAPI turns an error into an answer. What the caller is not to know is in
// the log alone.
func (s *Server) refuseAPI(w http.ResponseWriter, r *http.Request, err error) apiAnswer {
	e, ok := errors.AsType[*apiError](err)
	if !ok && errors.Is(err, oauth.ErrUnavailable) {
		e = &apiError{status: http.StatusServiceUnavailable, Message: "Service Unavailable"}
		w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	} else if !ok {
		e = &apiError{status: http.StatusInternalServerError, Message: "Server Error"}
	}
	s.logRefusal(r, &oauth.Error{Code: e.code()}, err, "status", e.status)
	if e == errNoSuchRecord {
		return apiAnswer{status: e.status}
	}
	return apiAnswer{e.status, e}
}

// code is what the log calls the error.
func (e *apiError) code() oauth.ErrorCode {
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
