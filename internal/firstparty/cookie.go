package passport

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

// xsrfCookie is the readable cookie whose value axios and its like send back as
// X-XSRF-TOKEN, without being told.
const xsrfCookie = "XSRF-TOKEN"

// firstParty is what the sealed cookie of [Server.FreshToken] says. It proves
// nothing by itself: it counts while the same user is signed in, in the same
// session, and beside a header that holds its CSRF value.
type firstParty struct {
	Provider string       `json:"provider"`
	User     string       `json:"user"`
	Session  oauth.Digest `json:"session,omitempty"`
	CSRF     string       `json:"csrf"`
	Issued   int64        `json:"issued"`  // Unix seconds
	Expires  int64        `json:"expires"` // Unix seconds
}

// newFirstParty returns what a new cookie says of who is signed in. In one
// session the CSRF value stays the same, so that pages which are open, and those
// that load at once, do not spoil each other's.
func (s *Server) newFirstParty(r *http.Request, who *users.Account, at time.Time) *firstParty {
	c := &firstParty{
		Provider: who.Ref.Provider, User: who.Ref.ID, Session: digestOfSession(who.User.SessionID),
		Issued: at.Unix(), Expires: at.Add(s.config.CookieTTL).Unix(),
	}
	old, err := s.openFirstParty(r, at)
	switch {
	case err == nil && old != nil && old.isOf(who):
		c.CSRF = old.CSRF
	case c.Session != "":
		c.CSRF = s.keys.Roots().First().Derive("first-party csrf", c.Provider+":"+c.User+" "+string(c.Session))
	default:
		c.CSRF = secret.New()
	}
	return c
}

// isOf reports whether the cookie was made for the account and its session.
func (c *firstParty) isOf(who *users.Account) bool {
	return c.Provider == who.Ref.Provider && c.User == who.Ref.ID &&
		secret.Equal(string(c.Session), string(digestOfSession(who.User.SessionID)))
}

// set sets both cookies, but for those that the answer has already.
func (c *firstParty) set(s *Server, h http.Header) error {
	plain, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode first-party cookie: %w", err)
	}
	age := int(s.config.CookieTTL / time.Second)
	s.addCookie(h, s.config.CookieName, s.keys.Roots().Seal("first-party cookie", plain), age)
	s.addCookie(h, xsrfCookie, c.CSRF, age)
	return nil
}

// addCookie adds a cookie of ours to an answer, unless the answer sets one of that
// name; with a negative age it is one that takes the cookie away. Scripts may
// read the one of the two that is made for them.
func (s *Server) addCookie(h http.Header, name, value string, age int) {
	if setsCookie(h, name) {
		return
	}
	h.Add("Set-Cookie", (&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: name != xsrfCookie, Secure: s.https(), SameSite: http.SameSiteLaxMode,
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

// hasCookiePrefix reports whether browsers demand a secure connection for a
// cookie of this name (RFC 6265bis §4.1.3).
func hasCookiePrefix(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "__host-") || strings.HasPrefix(name, "__secure-")
}

// openFirstParty returns what the request's cookie says, nil without one. Any of
// the keys may have sealed it.
func (s *Server) openFirstParty(r *http.Request, at time.Time) (*firstParty, error) {
	cookies := r.CookiesNamed(s.config.CookieName)
	switch len(cookies) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("it came %d times", len(cookies))
	}
	plain, _, err := s.keys.Roots().Open("first-party cookie", cookies[0].Value)
	if err != nil {
		return nil, fmt.Errorf("it is not one of ours, or the key that sealed it is gone: %w", err)
	}
	c := new(firstParty)
	if err := json.Unmarshal(plain, c); err != nil {
		return nil, fmt.Errorf("decode it: %w", err)
	}
	if at.Unix() >= c.Expires {
		return nil, fmt.Errorf("it expired at %v", time.Unix(c.Expires, 0).UTC())
	}
	return c, nil
}

// verifyFirstParty is asked by guards about a request without a bearer token. It
// stands for a token with every scope if it has a cookie that counts. Of one that
// does not the answer says no more than of none; the log does.
func (s *Server) verifyFirstParty(r *http.Request) (*oauth.AccessToken, *User, error) {
	c, who, err := s.checkFirstParty(r)
	switch {
	case errors.Is(err, errFirstParty):
		return nil, nil, fmt.Errorf("%w: %w", err, oauth.InvalidToken)
	case err != nil || c == nil:
		return nil, nil, err
	}
	user, err := s.userOf(r.Context(), who.Ref) // the record that handlers get with a token
	if err != nil {
		return nil, nil, err
	}
	return s.firstPartyToken(c, who), user, nil
}

var errFirstParty = errors.New("the first-party cookie does not count")

// checkFirstParty returns what the request's cookie says and who is signed in, or
// nil if there is no cookie.
func (s *Server) checkFirstParty(r *http.Request) (*firstParty, *users.Account, error) {
	c, err := s.openFirstParty(r, clock.Now())
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %w", errFirstParty, err)
	case c == nil:
		return nil, nil, nil
	case !c.proves(r):
		return nil, nil, fmt.Errorf("%w: neither X-CSRF-TOKEN nor X-XSRF-TOKEN holds the value that belongs to it", errFirstParty)
	}
	if err := s.checkOrigin(r); err != nil {
		return nil, nil, fmt.Errorf("%w: another site had it sent: %w", errFirstParty, err)
	}
	provider := s.users.Provider(c.Provider)
	if provider == nil {
		return nil, nil, fmt.Errorf("%w: the user provider %q is not configured any more", errFirstParty, c.Provider)
	}
	who, err := s.users.Current(r, c.Provider)
	switch {
	case err != nil:
		return nil, nil, err
	case who == nil:
		return nil, nil, fmt.Errorf("%w: nobody is signed in", errFirstParty)
	case !c.isOf(who):
		return nil, nil, fmt.Errorf("%w: another user or session is signed in", errFirstParty)
	}
	return c, who, nil
}

// proves reports whether a header of the request holds the CSRF value, as it is
// or percent-encoded, as some libraries send what they find in a cookie.
func (c *firstParty) proves(r *http.Request) bool {
	found := false
	for _, name := range []string{"X-CSRF-TOKEN", "X-XSRF-TOKEN"} {
		sent := r.Header.Get(name)
		decoded, err := url.PathUnescape(sent)
		found = c.CSRF != "" && (secret.Equal(sent, c.CSRF) || err == nil && secret.Equal(decoded, c.CSRF)) || found
	}
	return found
}

// checkOrigin refuses what another site's page sent, by any method: no GET with
// such a header is a link that somebody followed.
func (s *Server) checkOrigin(r *http.Request) error {
	asPost := r.WithContext(r.Context()) // a shallow copy
	asPost.Method = http.MethodPost
	return s.forms.CheckScript(asPost)
}

// firstPartyToken is what a handler is told of a request with the cookie. It has
// no row and so no ID, nor has its client: they cannot be revoked, but end when
// the user signs out.
func (s *Server) firstPartyToken(c *firstParty, who *users.Account) *oauth.AccessToken {
	issued, expires := time.Unix(c.Issued, 0).UTC(), time.Unix(c.Expires, 0).UTC()
	return s.stamp(&oauth.AccessToken{
		Client: &oauth.Client{Name: "First-party JavaScript", AuthMethod: oauth.AuthNone, Provider: c.Provider, CreatedAt: issued},
		Family: &oauth.Family{
			User: who.Ref, Session: c.Session, AuthTime: who.User.AuthenticatedAt, EndsWithSession: true, CreatedAt: issued, ExpiresAt: expires,
		},
		Scopes: []string{oauth.AllScopes}, Audience: []string{s.config.Audience},
		IssuedAt: issued, ExpiresAt: expires,
	})
}
