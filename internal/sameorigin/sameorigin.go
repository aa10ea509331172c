// Package sameorigin refuses forms that another site had a browser send.
package sameorigin

import (
	"net/http"
	"net/url"
	"strings"
)

// Guard tells forms of our own pages from those of other sites.
type Guard struct {
	protection http.CrossOriginProtection
	plainHTTP  bool
}

// New returns a guard for the origin of an issuer: a URL that was checked.
func New(issuer string) *Guard {
	g := &Guard{plainHTTP: strings.HasPrefix(issuer, "http://")}
	if u, err := url.Parse(issuer); err == nil {
		// An issuer that is no origin is refused where it is configured.
		_ = g.protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	return g
}

// Check returns an error for a request that changes something and was sent by
// another origin's page.
//
// Our pages forbid a Referer, so browsers send "Origin: null" with their forms.
// Over https, and to loopback, they say Sec-Fetch-Site too; over other plain
// http they do not, and there the null origin passes: the token in the form and
// the cookie that it is bound to stand alone.
func (g *Guard) Check(r *http.Request) error {
	if g.plainHTTP && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null" {
		return nil
	}
	return g.protection.Check(r)
}

// CheckScript is Check for what scripts of our own pages send. They say their
// origin always, and nothing else stands in the way of another site: a null
// origin is that of a frame without one.
func (g *Guard) CheckScript(r *http.Request) error { return g.protection.Check(r) }

// CheckAnyMethod is [Guard.CheckScript] for a request that is not a plain link,
// whatever its method: a page of another site may not have sent it.
func (g *Guard) CheckAnyMethod(r *http.Request) error {
	asPost := r.WithContext(r.Context()) // a shallow copy
	asPost.Method = http.MethodPost
	return g.CheckScript(asPost)
}
