package console

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-passport/passport/oauth"
)

// startPatience is how long a request waits for the start of the server before it gets
// a 503. Most starts take less.
const startPatience = time.Second

// starting answers requests while the server waits for its database, creates tables
// and loads keys: /livez with 200, all others with 503.
type starting struct {
	started chan struct{}
	next    http.Handler // once the server has started
	before  http.Handler
}

func newStarting() *starting {
	s := &starting{started: make(chan struct{})}
	s.before = withProbes(http.HandlerFunc(s.wait), notStarted)
	return s
}

// done makes all later requests go to next.
func (s *starting) done(next http.Handler) {
	s.next = next
	close(s.started)
}

// ServeHTTP implements [http.Handler].
func (s *starting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.started:
		s.next.ServeHTTP(w, r)
	default:
		s.before.ServeHTTP(w, r)
	}
}

func (s *starting) wait(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.started:
		s.next.ServeHTTP(w, r)
	case <-r.Context().Done():
	case <-time.After(startPatience):
		notStarted(w, r)
	}
}

func notStarted(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(oauth.RetryAfter))
	say(w, http.StatusServiceUnavailable, "starting")
}
