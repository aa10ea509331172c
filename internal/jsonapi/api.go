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

// resource is one path of the JSON API: its actions by HTTP method.
type resource map[string]action

// action serves one method of a resource. Its name is the route's name.
type action struct {
	name  string
	serve func(a *API, r *request) (response, error)
}

// request is a request of a signed-in user.
type request struct {
	*http.Request
	at    time.Time // when the whole request was received, before the user was looked up
	user  oauth.UserRef
	data  *oauth.User // of the user
	id    string      // the last path segment, for a resource with an ID
	input input       // the fields of the body
}

// response is a status and a JSON body. A nil body writes none.
type response struct {
	status int
	body   any
}

// handler serves a resource.
func (a *API) handler(resource resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := a.respond(w, r, resource)
		if err != nil {
			res = a.refuse(w, r, err)
		}
		if res.body == nil {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(res.status)
			return
		}
		wire.WriteJSON(w, res.status, res.body)
	})
}

// respond handles a request to the JSON API, from the checks to the action.
func (a *API) respond(w http.ResponseWriter, r *http.Request, resource resource) (response, error) {
	if err := a.Forms.CheckScript(r); err != nil {
		return response{}, &failure{status: http.StatusForbidden, Message: "The request was sent by another site.", cause: err}
	}
	input, at, malformed := readInput(r)
	if bodylimit.TimedOut(malformed) { // the request's context has also ended, so the user can't be looked up
		return response{}, malformed
	}
	endpoint, ok := resource[input.method(r)]
	if !ok {
		return response{}, wrongMethod(w, r, input.method(r), resource.allow())
	}
	account, err := a.Users.InBrowser(r)
	switch {
	case err != nil:
		return response{}, err
	case account == nil:
		return response{}, errUnauthenticated
	case malformed != nil:
		return response{}, malformed
	}
	info := reqinfo.From(r.Context())
	info.Actor = oauth.ForUser(account.Ref).Claim("")
	r = r.WithContext(reqinfo.With(r.Context(), info))
	return endpoint.serve(a, &request{Request: r, at: at, user: account.Ref, data: account.User, id: lastSegment(r.URL), input: input})
}

// methods are the methods that a resource may have, in listing order. GET includes
// HEAD.
var methods = []string{"GET", "POST", "PUT", "DELETE"}

// routes returns the routes of a resource.
func (r resource) routes() (routes []wire.Route) {
	for _, method := range methods {
		endpoint, ok := r[method]
		switch {
		case ok && method == http.MethodGet:
			routes = append(routes, wire.Route{Name: endpoint.name, Methods: []string{http.MethodGet, http.MethodHead}})
		case ok:
			routes = append(routes, wire.Route{Name: endpoint.name, Methods: []string{method}})
		}
	}
	return routes
}

// allow returns the value of the Allow header for a resource.
func (r resource) allow() string {
	var methods []string
	for _, route := range r.routes() {
		methods = append(methods, route.Methods...)
	}
	return strings.Join(methods, ", ")
}

// refusal responds to every request to a resource with 405.
func (a *API) refusal(resource resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := a.refuse(w, r, wrongMethod(w, r, r.Method, resource.allow()))
		wire.WriteJSON(w, res.status, res.body)
	})
}

// wrongMethod is the error for a method that a path does not support.
func wrongMethod(w http.ResponseWriter, r *http.Request, method, allow string) error {
	w.Header().Set("Allow", allow)
	return &failure{status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("The %s method is not supported for route %s. Supported methods: %s.",
		reqinfo.Bounded(method), strings.TrimPrefix(reqinfo.Path(r), "/"), allow)}
}

// lastSegment returns the last segment of a path, unescaped: an ID. It works behind
// any router.
func lastSegment(u *url.URL) string {
	path := u.EscapedPath()
	id, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return id
}

// failure is an error response.
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
	errNoSuchRecord    = &failure{status: http.StatusNotFound, Message: "no such record, or it belongs to another user"}
)

// refuse returns the response for an error. The caller gets a general message; only
// the log has the details.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) response {
	e, ok := errors.AsType[*failure](err)
	if !ok && (errors.Is(err, oauth.ErrUnavailable) || errors.Is(err, oauth.TemporarilyUnavailable)) {
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

// code returns the error code for the log.
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
