package demo

import "net/http"

// call is a request of the application and the response, for a page.
type call struct {
	Title     string
	Note      note // the explanation
	Request   string
	Status    int
	Challenge string // the WWW-Authenticate header
	Response  string
}

// OK reports whether the status is 2xx.
func (c call) OK() bool { return c.Status >= 200 && c.Status < 300 }

// StatusText returns the name of the status.
func (c call) StatusText() string { return http.StatusText(c.Status) }
