// Package cookie names the cookies of this project. Browsers keep cookies by host,
// without the port, and ours are for the path /. So the names of two servers on one
// host differ: each has a digest of the issuer.
package cookie

import (
	"net/http"
	"strings"

	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/oauth"
)

// XSRF is the only name without a digest: libraries such as axios look for it.
const XSRF = "XSRF-TOKEN"

// digestLength is the number of characters of the issuer's digest in a name: 60 bits
// are enough for the few servers of one host.
const digestLength = 10

// Names are the names of the cookies of one server.
type Names struct {
	digest string
	secure bool // the issuer is https
}

// Of returns the names for a validated issuer URL.
func Of(issuer string) Names {
	return Names{string(oauth.DigestOf(issuer))[:digestLength], strings.HasPrefix(issuer, "https:")}
}

// Host returns the name of a cookie that only this host may set. Over https its
// prefix makes browsers refuse it from another host, from a plain connection and
// with another path (RFC 6265bis §4.1.3.2).
func (n Names) Host(what string) string { return n.prefix() + what + "-" + n.digest }

// Plain returns a name without a prefix.
func (n Names) Plain(what string) string { return what + "_" + n.digest }

// Before returns the name that earlier versions used for [Names.Host]. It has no
// digest, so the cookie may belong to another server. The server reads this cookie
// and never sets it.
func (n Names) Before(what string) string { return n.prefix() + what }

func (n Names) prefix() string {
	if n.secure {
		return "__Host-passport-"
	}
	return "passport-"
}

// New returns a cookie that no script can read, for the whole host and for this
// session of the browser or for age seconds. A negative age deletes the cookie.
//
// SameSite is Lax and not Strict: browsers come to the authorization endpoint from
// the client's site, and must send the cookie there.
func (n Names) New(name, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		Secure: n.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// Secret returns the value of a cookie that holds a secret of [secret.New]. ok is false
// for a request without the cookie, with several, or with a value that we cannot have
// set.
func Secret(r *http.Request, name string) (value string, ok bool) {
	all := r.CookiesNamed(name)
	if len(all) != 1 || !secret.WellFormed(all[0].Value) {
		return "", false
	}
	return all[0].Value, true
}
