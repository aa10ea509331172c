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
	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/safeurl"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/users"
	"github.com/go-passport/passport/oauth"
)

// XSRFCookie is the readable cookie whose value libraries such as axios send back
// as X-XSRF-TOKEN by default.
const XSRFCookie = cookie.XSRF

// formerName is the default name of the cookie in earlier versions, without a digest
// of the issuer.
const formerName = "passport_token"

// DefaultName returns the cookie's name if Config.CookieName is not set.
func DefaultName(issuer string) string { return cookie.Of(issuer).Plain(formerName) }

// maxCookieName is the length of the longest name: browsers ignore a cookie that is
// longer than 4096 bytes with its value (RFC 6265bis §5.7).
const maxCookieName = 64

// CheckCookieName returns the faults of Config.CookieName. secure says that the
// issuer is https, which browsers require for some prefixes (RFC 6265bis §4.1.3).
func CheckCookieName(name string, secure bool) (faults []error) {
	if len(name) > maxCookieName {
		return []error{fmt.Errorf("CookieName has %d bytes: want at most %d", len(name), maxCookieName)}
	}
	shown, lower := safeurl.Text(name), strings.ToLower(name)
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("-_.", r)
	}) {
		faults = append(faults, fmt.Errorf("CookieName %q: want letters, digits, dots, hyphens and underscores", shown))
	}
	if strings.EqualFold(name, XSRFCookie) {
		faults = append(faults, fmt.Errorf("CookieName %q: choose another name; scripts read a cookie with this name", shown))
	}
	if !secure && (strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-")) {
		faults = append(faults, fmt.Errorf("CookieName %q: browsers accept a cookie with this prefix only over https; remove the prefix, or use an https issuer", shown))
	}
	return faults
}

// value is the content of the sealed cookie. It proves nothing by itself. It is
// valid only while the same user is signed in, in the same session, and with a
// header that holds its CSRF value.
type value struct {
	Provider string       `json:"provider"`
	User     string       `json:"user"`
	Session  oauth.Digest `json:"session,omitempty"`
	CSRF     string       `json:"csrf"`
	Issued   int64        `json:"issued"`  // Unix seconds
	Expires  int64        `json:"expires"` // Unix seconds
}

// newValue returns the content of a new cookie for a signed-in user. Within a
// session the CSRF value is constant, so that open pages and parallel page loads do
// not invalidate each other's value.
func (c *Cookies) newValue(r *http.Request, account *users.Account, at time.Time) *value {
	v := &value{
		Provider: account.Ref.Provider, User: account.Ref.ID, Session: users.SessionDigest(account.User.SessionID),
		Issued: at.Unix(), Expires: at.Add(c.ttl).Unix(),
	}
	old, err := c.open(r, at)
	switch {
	case err == nil && old != nil && old.isOf(account):
		v.CSRF = old.CSRF
	case v.Session != "":
		v.CSRF = c.keys.Roots().First().Derive("first-party csrf", v.Provider+":"+v.User+" "+string(v.Session))
	default:
		v.CSRF = secret.New()
	}
	return v
}

// isOf reports whether the cookie was made for the account and its session.
func (v *value) isOf(account *users.Account) bool {
	return v.Provider == account.Ref.Provider && v.User == account.Ref.ID &&
		secret.Equal(string(v.Session), string(users.SessionDigest(account.User.SessionID)))
}

// set adds both cookies, except those that the response already sets.
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

// addCookie adds a cookie to a response, unless the response already sets a cookie
// of that name. A negative age deletes the cookie. Scripts can read only
// XSRFCookie.
func (c *Cookies) addCookie(h http.Header, name, value string, age int) {
	if setsCookie(h, name) {
		return
	}
	created := c.names.New(name, value, age)
	created.HttpOnly = name != XSRFCookie
	h.Add("Set-Cookie", created.String())
}

func setsCookie(h http.Header, name string) bool {
	for _, line := range h.Values("Set-Cookie") {
		if set, _, _ := strings.Cut(line, "="); strings.TrimSpace(set) == name {
			return true
		}
	}
	return false
}

// sent returns the request's cookies with our name. Without one it returns the
// cookies with the former name, for pages that were loaded before an upgrade.
func (c *Cookies) sent(r *http.Request) []*http.Cookie {
	if all := r.CookiesNamed(c.name); len(all) > 0 || !c.byDefault {
		return all
	}
	return r.CookiesNamed(formerName)
}

// open returns the content of the request's cookie, or nil without a cookie. Any of
// the keys may have sealed it.
func (c *Cookies) open(r *http.Request, at time.Time) (*value, error) {
	cookies := c.sent(r)
	switch len(cookies) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("the request has %d cookies of this name", len(cookies))
	}
	plain, _, err := c.keys.Roots().Open("first-party cookie", cookies[0].Value)
	if err != nil {
		return nil, fmt.Errorf("this server did not seal it, or the key was removed: %w", err)
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

// Verify authenticates a request without a bearer token, for guards. A valid cookie
// gives a token with every scope. The response to an invalid cookie is the same as
// to a missing one; only the log has the reason. But the response tells a developer
// if the CSRF value is missing or wrong.
func (c *Cookies) Verify(r *http.Request) (*oauth.AccessToken, *oauth.User, error) {
	v, account, err := c.check(r)
	switch {
	case errors.Is(err, errNoCSRF), errors.Is(err, errWrongCSRF):
		return nil, nil, err
	case errors.Is(err, errFirstParty):
		return nil, nil, fmt.Errorf("%w: %w", err, oauth.InvalidToken)
	case err != nil || v == nil:
		return nil, nil, err
	}
	user, err := c.users.Load(r.Context(), account.Ref) // the record that handlers get with a token
	if err != nil {
		return nil, nil, users.GoneAs(oauth.InvalidToken, err)
	}
	return c.token(v, account), user, nil
}

var errFirstParty = errors.New("the first-party cookie is not valid")

// check returns the cookie's content and the signed-in account, or nil if there is
// no cookie.
func (c *Cookies) check(r *http.Request) (*value, *users.Account, error) {
	v, err := c.open(r, clock.Now())
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", errFirstParty, err)
	case v == nil:
		return nil, nil, nil
	}
	if err := v.checkCSRF(r); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errFirstParty, err)
	}
	if err := c.forms.CheckAnyMethod(r); err != nil {
		return nil, nil, fmt.Errorf("%w: another site sent the request: %w", errFirstParty, err)
	}
	if c.users.Provider(v.Provider) == nil {
		return nil, nil, fmt.Errorf("%w: the user provider %q is no longer configured", errFirstParty, v.Provider)
	}
	account, err := c.users.Current(r, v.Provider)
	switch {
	case err != nil:
		return nil, nil, err
	case account == nil:
		return nil, nil, fmt.Errorf("%w: no user is signed in", errFirstParty)
	case !v.isOf(account):
		return nil, nil, fmt.Errorf("%w: another user or session is signed in", errFirstParty)
	}
	return v, account, nil
}

var (
	errNoCSRF    = oauth.InvalidToken.Errorf("the CSRF value is missing: send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN or X-CSRF-TOKEN")
	errWrongCSRF = oauth.InvalidToken.Errorf("the CSRF value is wrong: send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN or X-CSRF-TOKEN")
)

// checkCSRF returns nil if a header of the request holds the CSRF value. Some
// libraries send a cookie's value percent-encoded.
func (v *value) checkCSRF(r *http.Request) error {
	found, err := false, errNoCSRF
	for _, name := range []string{"X-CSRF-TOKEN", "X-XSRF-TOKEN"} {
		sent := r.Header.Get(name)
		if sent != "" {
			err = errWrongCSRF
		}
		decoded, malformed := url.PathUnescape(sent)
		found = v.CSRF != "" && (secret.Equal(sent, v.CSRF) || malformed == nil && secret.Equal(decoded, v.CSRF)) || found
	}
	if found {
		return nil
	}
	return err
}

// wrote reports whether the request's XSRFCookie has the CSRF value of v. Another
// server on this host may set a cookie with that name, too.
func (v *value) wrote(r *http.Request) bool {
	c, err := r.Cookie(XSRFCookie)
	return err != nil || secret.Equal(c.Value, v.CSRF)
}

// token returns the token that handlers get for a request with the cookie. Token
// and client are not stored and have no IDs. They cannot be revoked, and end when
// the user signs out.
func (c *Cookies) token(v *value, account *users.Account) *oauth.AccessToken {
	issued, expires := time.Unix(v.Issued, 0).UTC(), time.Unix(v.Expires, 0).UTC()
	return &oauth.AccessToken{
		Client: &oauth.Client{Name: "First-party JavaScript", AuthMethod: oauth.AuthNone, Provider: v.Provider, CreatedAt: issued},
		Family: &oauth.Family{
			User: account.Ref, Session: v.Session, AuthTime: account.User.AuthenticatedAt, EndsWithSession: true, CreatedAt: issued, ExpiresAt: expires,
		},
		Scopes: []string{oauth.AllScopes}, Audience: []string{c.policy.Audience},
		IssuedAt: issued, ExpiresAt: expires, InheritScopes: c.policy.InheritScopes,
	}
}
