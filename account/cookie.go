package account

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/oauth"
)

// cookies holds the names and lifetimes of the browser's cookies.
type cookies struct {
	cookie.Names
	session string
	before  string // the old name of the session cookie, without a digest
	ttl     time.Duration
}

func newCookies(issuer *url.URL, ttl time.Duration) cookies {
	n := cookie.Of(issuer.String())
	return cookies{n, n.Host("session"), n.Before("session"), ttl}
}

// setSession sets the cookie of a new session. It replaces the cookie in r.
func (c cookies) setSession(w http.ResponseWriter, r *http.Request, secret string) {
	c.set(w, c.session, secret, int(c.ttl.Seconds()))
	c.clearBefore(w, r)
}

// clearSession deletes the session cookie. It also deletes the cookie with the old name
// if its session is in ended.
func (c cookies) clearSession(w http.ResponseWriter, r *http.Request, ended []oauth.Digest) {
	c.set(w, c.session, "", -1)
	before, ok := cookie.Secret(r, c.before)
	if ok && slices.ContainsFunc(ended, func(d oauth.Digest) bool { return d.Matches(before) }) {
		c.set(w, c.before, "", -1)
		return
	}
	c.clearBefore(w, r)
}

// clearBefore deletes the cookie with the old name if its value equals that of the
// current cookie. If the values differ, another server on this host may have set the
// old cookie. If we set it, its session has ended.
func (c cookies) clearBefore(w http.ResponseWriter, r *http.Request) {
	before, ok := cookie.Secret(r, c.before)
	if present, _ := cookie.Secret(r, c.session); ok && before == present {
		c.set(w, c.before, "", -1)
	}
}

func (c cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, c.New(name, value, maxAge))
}

// secret returns the value of the session cookie. If there is none, it returns the
// value of the cookie with the old name, so that an upgrade signs no user out.
func (c cookies) secret(r *http.Request) (string, bool) {
	if len(r.CookiesNamed(c.session)) > 0 {
		return cookie.Secret(r, c.session)
	}
	return cookie.Secret(r, c.before)
}

// digest returns the digest under which the database stores the browser's session. ok
// is false for a request without a session cookie, with several, or with a value that
// we cannot have set. Such requests need no database query.
func (c cookies) digest(r *http.Request) (d oauth.Digest, ok bool) {
	secret, ok := c.secret(r)
	if !ok {
		return "", false
	}
	return oauth.DigestOf(secret), true
}

// digests returns the digests of all sessions that this browser can use, now or after a
// cookie is deleted: first the current one, then that of the old name.
func (c cookies) digests(r *http.Request) (all []oauth.Digest) {
	for _, name := range []string{c.session, c.before} {
		if secret, ok := cookie.Secret(r, name); ok {
			all = append(all, oauth.DigestOf(secret))
		}
	}
	return slices.Compact(all)
}
