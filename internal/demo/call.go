package demo

import "net/http"

// call is one request of the application and its answer, to be shown.
type call struct {
	Title     string
	Note      string // what to learn from it
	Request   string
	Status    int
	Challenge string // the WWW-Authenticate header
	Response  string
}

// OK reports whether the request was granted.
func (c call) OK() bool { return c.Status >= 200 && c.Status < 300 }

// StatusText is the status in words.
func (c call) StatusText() string { return http.StatusText(c.Status) }
