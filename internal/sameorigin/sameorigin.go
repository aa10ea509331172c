// Package sameorigin refuses cross-site form requests (CSRF).
package sameorigin

import (
	"net/http"
	"net/url"
	"strings"
)

// Guard distinguishes requests of our own pages from requests of other sites.
type Guard struct {
	protection http.CrossOriginProtection
	plainHTTP  bool
}

// New returns a guard for the origin of a validated issuer URL.
func New(issuer string) *Guard {
	g := &Guard{plainHTTP: strings.HasPrefix(issuer, "http://")}
	if u, err := url.Parse(issuer); err == nil {
		// The configuration refuses an issuer without an origin.
		_ = g.protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
	}
	return g
}

// Check returns an error if a state-changing request comes from a page of
// another origin.
//
// Our pages forbid a Referer, so browsers send "Origin: null" with their forms.
// Over https and to loopback, browsers also send Sec-Fetch-Site. Over other
// plain http they do not, and Check accepts the null origin. There, only the
// form's token and the cookie that it is bound to protect against CSRF.
func (g *Guard) Check(r *http.Request) error {
	if g.plainHTTP && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null" {
		return nil
	}
	return g.protection.Check(r)
}

// CheckScript is [Guard.Check] for requests of scripts on our own pages.
// Scripts always send their origin, and these requests have no other CSRF
// protection. So CheckScript refuses a null origin, which also comes from a
// sandboxed frame.
func (g *Guard) CheckScript(r *http.Request) error { return g.protection.Check(r) }

// CheckAnyMethod is [Guard.CheckScript] for a request that is not a plain link,
// whatever its method: a page of another site may not have sent it.
func (g *Guard) CheckAnyMethod(r *http.Request) error {
	asPost := r.WithContext(r.Context()) // a shallow copy
	asPost.Method = http.MethodPost
	return g.CheckScript(asPost)
}
