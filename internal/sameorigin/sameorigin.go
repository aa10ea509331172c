// Package sameorigin refuses cross-site requests (CSRF). It reads what the browser
// says about the sender of a request: Sec-Fetch-Site and Origin. It does not use the
// Host header.
package sameorigin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Guard tells the requests that our pages send from those of other sites.
type Guard struct {
	origin string // of the issuer, as browsers write it
}

// New returns a guard for the origin of a validated issuer URL.
func New(issuer string) *Guard {
	u, err := url.Parse(issuer)
	if err != nil {
		return &Guard{} // the configuration refuses such an issuer
	}
	host := strings.ToLower(u.Host)
	switch scheme := strings.ToLower(u.Scheme); scheme {
	case "https":
		return &Guard{scheme + "://" + strings.TrimSuffix(host, ":443")}
	default:
		return &Guard{scheme + "://" + strings.TrimSuffix(host, ":80")}
	}
}

var (
	errForeign = errors.New("the browser says that another origin sent the request")
	errUnknown = errors.New("the browser does not say which origin sent the request")
	errToken   = errors.New("the browser does not say which origin sent the form, and the form has no token of this browser")
)

// sender is what the browser says about the page that sent a request.
type sender int

const (
	unknown sender = iota // neither header says it
	opaque                // Origin: null, and no Sec-Fetch-Site
	own                   // our own origin, or the user
	foreign               // another origin
)

// senderOf returns the sender of a request. Sec-Fetch-Site takes precedence. Without
// it, Origin must be exactly the issuer's: the same host with another scheme or port
// is another origin (RFC 6454 §5).
func (g *Guard) senderOf(r *http.Request) sender {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch {
	case site == "same-origin", site == "none", origin != "" && origin == g.origin:
		return own
	case site != "", origin != "" && origin != "null":
		return foreign
	case origin == "null":
		return opaque
	}
	return unknown
}

// CheckForm returns an error if a page of another origin sent a form, with any
// scheme of the issuer.
//
// Our pages forbid a Referer, so browsers send "Origin: null" with their forms, as
// they do with forms of a foreign sandbox. If Sec-Fetch-Site is missing, too (older
// browsers, plain http), the form's token decides: tokenMatches reports whether the
// form has a token that belongs to this browser.
func (g *Guard) CheckForm(r *http.Request, tokenMatches func() bool) error {
	switch g.senderOf(r) {
	case own:
		return nil
	case foreign:
		return errForeign
	}
	if !tokenMatches() {
		return errToken
	}
	return nil
}

// NeedsToken reports whether [Guard.CheckForm] will need a token from the browser
// that sent r, which requests a page with a form.
func (g *Guard) NeedsToken(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "" }

// CheckScript returns an error if a script of another origin sent a request that is
// not a plain GET, HEAD or OPTIONS. Such a request has no token. Scripts send their
// origin with it, so CheckScript refuses a null origin, which a sandboxed frame
// has. It accepts a request with neither header: no browser sends one.
func (g *Guard) CheckScript(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	return g.CheckAnyMethod(r)
}

// CheckAnyMethod is like [Guard.CheckScript], but checks requests with any method.
// It is for requests that are not plain links.
func (g *Guard) CheckAnyMethod(r *http.Request) error {
	switch g.senderOf(r) {
	case foreign:
		return errForeign
	case opaque:
		return errUnknown
	}
	return nil
}
