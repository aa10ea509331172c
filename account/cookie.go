package account

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/oauth"
)

// secretLength is that of secret.New.
const secretLength = 52

// cookies are those of the browser, named for the issuer's scheme. Over https
// the prefix __Host- has the browser itself see to it that no other host and no
// plain connection sets them (RFC 6265bis §4.1.3.2).
type cookies struct {
	session string
	form    string // see Accounts.checkForm
	secure  bool
	ttl     time.Duration
}

func newCookies(issuer *url.URL, ttl time.Duration) cookies {
	c := cookies{session: "passport-session", form: "passport-form", secure: issuer.Scheme == "https", ttl: ttl}
	if c.secure {
		c.session, c.form = "__Host-"+c.session, "__Host-"+c.form
	}
	return c
}

func (c cookies) setSession(w http.ResponseWriter, secret string) {
	c.set(w, c.session, secret, int(c.ttl.Seconds()))
}

func (c cookies) clearSession(w http.ResponseWriter) { c.set(w, c.session, "", -1) }

func (c cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	// Lax and not Strict: a browser comes to the authorization endpoint from
	// the client's site, and is to be recognised there.
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// digest returns what the database knows the browser's session by. ok is false
// for a request without a session cookie, with several, which no browser of
// ours sends, and with one that we cannot have set: the database need not be
// asked for those.
func (c cookies) digest(r *http.Request) (d oauth.Digest, ok bool) {
	secret, ok := c.value(r, c.session)
	if !ok {
		return "", false
	}
	return oauth.DigestOf(secret), true
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
