package account

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/oauth"
)

// secretLength is that of secret.New.
const secretLength = 52

// cookies are those of the browser.
type cookies struct {
	cookie.Names
	session string
	form    string // see Accounts.checkForm
	before  string // the name of the session's cookie before names had a digest
	ttl     time.Duration
}

func newCookies(issuer *url.URL, ttl time.Duration) cookies {
	n := cookie.Of(issuer.String())
	return cookies{n, n.Host("session"), n.Host("form"), n.Before("session"), ttl}
}

// setSession sets the cookie of a new session, in place of the one that r has.
func (c cookies) setSession(w http.ResponseWriter, r *http.Request, secret string) {
	c.set(w, c.session, secret, int(c.ttl.Seconds()))
	c.clearBefore(w, r)
}

// clearSession deletes the cookie of the session. It deletes the one with the name of
// before, too, if its session is one of those that have ended.
func (c cookies) clearSession(w http.ResponseWriter, r *http.Request, ended []oauth.Digest) {
	c.set(w, c.session, "", -1)
	before, ok := c.value(r, c.before)
	if ok && slices.ContainsFunc(ended, func(d oauth.Digest) bool { return d.Matches(before) }) {
		c.set(w, c.before, "", -1)
		return
	}
	c.clearBefore(w, r)
}

// clearBefore deletes the cookie with the name of before, if it has the value of the
// present one. Otherwise another server on this host may have set it, and if we did,
// its session has ended.
func (c cookies) clearBefore(w http.ResponseWriter, r *http.Request) {
	before, ok := c.value(r, c.before)
	if present, _ := c.value(r, c.session); ok && before == present {
		c.set(w, c.before, "", -1)
	}
}

func (c cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, c.New(name, value, maxAge))
}

// secret returns the value of the session's cookie. Without one it returns that
// with the name of before, so that an upgrade signs no user out.
func (c cookies) secret(r *http.Request) (string, bool) {
	if len(r.CookiesNamed(c.session)) > 0 {
		return c.value(r, c.session)
	}
	return c.value(r, c.before)
}

// digest returns what the database knows the browser's session by. ok is false
// for a request without a session cookie, with several, which no browser of
// ours sends, and with one that we cannot have set: the database need not be
// asked for those.
func (c cookies) digest(r *http.Request) (d oauth.Digest, ok bool) {
	secret, ok := c.secret(r)
	if !ok {
		return "", false
	}
	return oauth.DigestOf(secret), true
}

// digests returns those of all sessions that the browser may be recognized by, now or
// when a cookie is gone: the present one first, then that with the name of before.
func (c cookies) digests(r *http.Request) (all []oauth.Digest) {
	for _, name := range []string{c.session, c.before} {
		if secret, ok := c.value(r, name); ok {
			all = append(all, oauth.DigestOf(secret))
		}
	}
	return slices.Compact(all)
}

func (c cookies) value(r *http.Request, name string) (string, bool) {
	all := r.CookiesNamed(name)
	if len(all) != 1 || !isSecret(all[0].Value) {
		return "", false
	}
	return all[0].Value, true
}

func isSecret(s string) bool {
	return len(s) == secretLength && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
