package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-passport/passport/internal/reqinfo"
)

// problem is a request that no page of the binary can serve.
type problem struct {
	title, text string // of the page
	code        string // in JSON
	quote       bool   // the request ID, which finds a line in the log that says more
}

// problems are the problems by status. Their pages tell everyone the same, and nothing
// about the request.
var problems = map[int]problem{
	http.StatusNotFound:            {"Page not found", "There is no page at this address. The link may be old or mistyped.", "not_found", false},
	http.StatusMethodNotAllowed:    {"This page can’t be used like that", "Your browser sent a request that this address doesn’t accept.", "method_not_allowed", false},
	http.StatusInternalServerError: {"Something went wrong", "This is our fault, not yours. Please try again in a moment.", "server_error", true},
}

// problemView is the data of the page.
type problemView struct{ Site, Title, Text, Home, RequestID string }

// respond responds with a problem: with a page for people, or JSON for programs.
func (p *pages) respond(w http.ResponseWriter, r *http.Request, status int) {
	what, id := problems[status], reqinfo.From(r.Context()).ID
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		v := problemView{Site: cmp.Or(p.site, "Passport"), Title: what.title, Text: what.text, Home: p.home}
		if what.quote {
			v.RequestID = id
		}
		if p.look.Render(w, status, p.problem, v) == nil {
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // the client may be gone
		Error     string `json:"error"`
		RequestID string `json:"request_id"`
	}{what.code, id})
}

// unrouted serves a mux through next. It replaces the mux's own 404 and 405, which are
// plain text, and no response of a route.
func (p *pages) unrouted(next http.Handler, mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			next.ServeHTTP(w, r)
			return
		}
		held := &withoutProblem{ResponseWriter: w}
		next.ServeHTTP(held, r)
		if held.status != 0 {
			p.respond(w, r, held.status)
		}
	})
}

// withoutProblem is a response that holds back a problem: only its status and headers,
// such as Allow, are kept.
type withoutProblem struct {
	http.ResponseWriter
	status int // of the problem
}

func (w *withoutProblem) WriteHeader(status int) {
	if _, ok := problems[status]; ok {
		w.status = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *withoutProblem) Write(b []byte) (int, error) {
	if w.status != 0 {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
