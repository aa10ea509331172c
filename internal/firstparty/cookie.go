package firstparty

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/clock"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// XSRFCookie is the readable cookie whose value axios and its like send back as
// X-XSRF-TOKEN, without being told.
const XSRFCookie = "XSRF-TOKEN"

// value is what the sealed cookie of [Server.FreshToken] says. It proves
// nothing by itself: it counts while the same user is signed in, in the same
// session, and beside a header that holds its CSRF value.
type value struct {
	Provider string       `json:"provider"`
	User     string       `json:"user"`
	Session  oauth.Digest `json:"session,omitempty"`
	CSRF     string       `json:"csrf"`
	Issued   int64        `json:"issued"`  // Unix seconds
	Expires  int64        `json:"expires"` // Unix seconds
}

// newValue returns what a new cookie says of who is signed in. In one
// session the CSRF value stays the same, so that pages which are open, and those
// that load at once, do not spoil each other's.
func (c *Cookies) newValue(r *http.Request, who *users.Account, at time.Time) *value {
	v := &value{
		Provider: who.Ref.Provider, User: who.Ref.ID, Session: users.SessionDigest(who.User.SessionID),
		Issued: at.Unix(), Expires: at.Add(c.ttl).Unix(),
	}
	old, err := c.open(r, at)
	switch {
	case err == nil && old != nil && old.isOf(who):
		v.CSRF = old.CSRF
	case v.Session != "":
		v.CSRF = c.keys.Roots().First().Derive("first-party csrf", v.Provider+":"+v.User+" "+string(v.Session))
	default:
		v.CSRF = secret.New()
	}
	return v
}

// isOf reports whether the cookie was made for the account and its session.
func (v *value) isOf(who *users.Account) bool {
	return v.Provider == who.Ref.Provider && v.User == who.Ref.ID &&
		secret.Equal(string(v.Session), string(users.SessionDigest(who.User.SessionID)))
}

// set sets both cookies, but for those that the answer has already.
func (v *value) set(c *Cookies, h http.Header) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode first-party cookie: %w", err)
	}
	age := int(c.ttl / time.Second)
	c.addCookie(h, c.name, c.keys.Roots().Seal("first-party cookie", plain), age)
	c.addCookie(h, XSRFCookie, v.CSRF, age)
	return nil
}

// addCookie adds a cookie of ours to an answer, unless the answer sets one of that
// name; with a negative age it is one that takes the cookie away. Scripts may
// read the one of the two that is made for them.
func (c *Cookies) addCookie(h http.Header, name, value string, age int) {
	if setsCookie(h, name) {
		return
	}
	h.Add("Set-Cookie", (&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: name != XSRFCookie, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}).String())
}

func setsCookie(h http.Header, name string) bool {
	for _, line := range h.Values("Set-Cookie") {
		if set, _, _ := strings.Cut(line, "="); strings.TrimSpace(set) == name {
			return true
		}
	}
	return false
}

// open returns what the request's cookie says, nil without one. Any of
// the keys may have sealed it.
func (c *Cookies) open(r *http.Request, at time.Time) (*value, error) {
	cookies := r.CookiesNamed(c.name)
	switch len(cookies) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("it came %d times", len(cookies))
	}
	plain, _, err := c.keys.Roots().Open("first-party cookie", cookies[0].Value)
	if err != nil {
		return nil, fmt.Errorf("it is not one of ours, or the key that sealed it is gone: %w", err)
	}
	v := new(value)
	if err := json.Unmarshal(plain, v); err != nil {
		return nil, fmt.Errorf("decode it: %w", err)
	}
	if at.Unix() >= v.Expires {
		return nil, fmt.Errorf("it expired at %v", time.Unix(v.Expires, 0).UTC())
	}
	return v, nil
}

// Verify is asked by guards about a request without a bearer token. It
// stands for a token with every scope if it has a cookie that counts. Of one that
// does not the answer says no more than of none; the log does.
func (c *Cookies) Verify(r *http.Request) (*oauth.AccessToken, *oauth.User, error) {
	v, who, err := c.check(r)
	switch {
	case errors.Is(err, errFirstParty):
		return nil, nil, fmt.Errorf("%w: %w", err, oauth.InvalidToken)
	case err != nil || v == nil:
		return nil, nil, err
	}
	user, err := c.users.Load(r.Context(), who.Ref) // the record that handlers get with a token
	if err != nil {
		return nil, nil, users.GoneAs(oauth.InvalidToken, err)
	}
	return c.token(v, who), user, nil
}

var errFirstParty = errors.New("the first-party cookie does not count")

// check returns what the request's cookie says and who is signed in, or
// nil if there is no cookie.
func (c *Cookies) check(r *http.Request) (*value, *users.Account, error) {
	v, err := c.open(r, clock.Now())
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", errFirstParty, err)
	case v == nil:
		return nil, nil, nil
	case !v.proves(r):
		return nil, nil, fmt.Errorf("%w: neither X-CSRF-TOKEN nor X-XSRF-TOKEN holds the value that belongs to it", errFirstParty)
	}
	if err := c.forms.CheckAnyMethod(r); err != nil {
		return nil, nil, fmt.Errorf("%w: another site had it sent: %w", errFirstParty, err)
	}
	if c.users.Provider(v.Provider) == nil {
		return nil, nil, fmt.Errorf("%w: the user provider %q is not configured any more", errFirstParty, v.Provider)
	}
	who, err := c.users.Current(r, v.Provider)
	switch {
	case err != nil:
		return nil, nil, err
	case who == nil:
		return nil, nil, fmt.Errorf("%w: nobody is signed in", errFirstParty)
	case !v.isOf(who):
		return nil, nil, fmt.Errorf("%w: another user or session is signed in", errFirstParty)
	}
	return v, who, nil
}

// proves reports whether a header of the request holds the CSRF value, as it is
// or percent-encoded, as some libraries send what they find in a cookie.
func (v *value) proves(r *http.Request) bool {
	found := false
	for _, name := range []string{"X-CSRF-TOKEN", "X-XSRF-TOKEN"} {
		sent := r.Header.Get(name)
		decoded, err := url.PathUnescape(sent)
		found = v.CSRF != "" && (secret.Equal(sent, v.CSRF) || err == nil && secret.Equal(decoded, v.CSRF)) || found
	}
	return found
}

// token is what a handler is told of a request with the cookie. It has
// no row and so no ID, nor has its client: they cannot be revoked, but end when
// the user signs out.
func (c *Cookies) token(v *value, who *users.Account) *oauth.AccessToken {
	issued, expires := time.Unix(v.Issued, 0).UTC(), time.Unix(v.Expires, 0).UTC()
	return &oauth.AccessToken{
		Client: &oauth.Client{Name: "First-party JavaScript", AuthMethod: oauth.AuthNone, Provider: v.Provider, CreatedAt: issued},
		Family: &oauth.Family{
			User: who.Ref, Session: v.Session, AuthTime: who.User.AuthenticatedAt, EndsWithSession: true, CreatedAt: issued, ExpiresAt: expires,
		},
		Scopes: []string{oauth.AllScopes}, Audience: []string{c.policy.Audience},
		IssuedAt: issued, ExpiresAt: expires, InheritScopes: c.policy.InheritScopes,
	}
}
