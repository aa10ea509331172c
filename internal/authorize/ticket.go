package authorize

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/cookie"
	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// TicketTTL is how long a consent page waits for a decision.
const TicketTTL = 10 * time.Minute

// tickets seals and opens the tickets of consent pages and the requests of pending sign-ins.
type tickets struct {
	keys       *keyring.Live
	names      cookie.Names
	https      bool          // the issuer is https
	decidedTTL time.Duration // lifetime of the cookie after the decision
}

// ticket is the pending request of a consent page. It travels in the form, sealed:
// the endpoint needs no session, and browser tabs are independent. It works once,
// for the account that saw the page, in the browser that has its cookie.
type ticket struct {
	ID        string       `json:"id"`
	Params    string       `json:"params"` // of the request, form-encoded
	Scopes    []string     `json:"scopes"` // on the page
	Resources []string     `json:"resources,omitempty"`
	Shown     oauth.Digest `json:"shown"`             // of the page: see request.shown
	Granted   []string     `json:"granted,omitempty"` // scopes that the page showed as already allowed
	Provider  string       `json:"provider"`
	User      string       `json:"user"`
	Browser   oauth.Digest `json:"browser"`         // of the cookie's value
	Expires   int64        `json:"expires"`         // Unix seconds
	Asked     int64        `json:"asked,omitempty"` // when the user was sent to sign in for it, in Unix seconds; 0 for never
	root      *keyring.Root
	params    url.Values
}

// new returns the sealed ticket of a page, and the cookies to set.
func (s tickets) new(r *http.Request, q *request, user oauth.UserRef, p views.ConsentPage) (sealed string, cookies []*http.Cookie, err error) {
	shown, err := q.shown(p)
	if err != nil {
		return "", nil, err
	}
	browser := secret.New()
	t := ticket{
		ID: secret.New(), Params: q.params.Encode(), Scopes: q.scopes, Resources: q.resources, Shown: shown,
		Provider: user.Provider, User: user.ID, Browser: oauth.DigestOf(browser), Expires: q.time.Add(TicketTTL).Unix(),
	}
	if !q.asked.IsZero() {
		t.Asked = q.asked.Unix()
	}
	for _, scope := range p.Old() {
		t.Granted = append(t.Granted, scope.ID)
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", nil, fmt.Errorf("encode ticket: %w", err)
	}
	cookies = append(s.evicted(r), s.names.New(s.cookieName(t.ID), browser, int(TicketTTL/time.Second)))
	return s.keys.Roots().Seal("ticket", plain), cookies, nil
}

// open opens a ticket that was sealed with any of the keys and has not expired. For an
// expired ticket it returns the ticket and an error.
func (s tickets) open(sealed string, at time.Time) (*ticket, error) {
	plain, root, err := s.keys.Roots().Open("ticket", sealed)
	if err != nil {
		return nil, fmt.Errorf("the ticket is invalid, or the key that sealed it was removed: %w", err)
	}
	t := &ticket{root: root}
	if err := json.Unmarshal(plain, t); err != nil {
		return nil, fmt.Errorf("decode ticket: %w", err)
	}
	if t.params, err = url.ParseQuery(t.Params); err != nil {
		return nil, fmt.Errorf("decode ticket: %w", err)
	}
	if at.Unix() >= t.Expires {
		return t, fmt.Errorf("the ticket expired at %v", time.Unix(t.Expires, 0).UTC())
	}
	return t, nil
}

// code returns the authorization code for this ticket. It is derived, so that a
// double click gets the same code.
func (t *ticket) code() string { return t.root.Derive("code", t.ID) }

// tokenID returns the ID of the access token for this ticket, if the response is a
// token. A second click uses it to find the result of the first.
func (t *ticket) tokenID() string { return uuid.NewV8(t.root.Derive("access token", t.ID)) }

// asked returns when the user was sent to sign in for the request; zero for never.
func (t *ticket) asked() time.Time {
	if t.Asked == 0 {
		return time.Time{}
	}
	return time.Unix(t.Asked, 0)
}

// used returns the ticket for the issuance that uses it up; nil without a ticket.
func (t *ticket) used() *tokens.Ticket {
	if t == nil {
		return nil
	}
	return &tokens.Ticket{ID: t.ID, Until: t.until(), TokenID: t.tokenID()}
}

// until returns when the row of the used ticket may be purged: after the ticket
// itself has expired.
func (t *ticket) until() time.Time { return time.Unix(t.Expires, 0).UTC().Add(time.Minute) }

// shown returns the digest of the consent page's data, the complete redirect URI,
// and the client's ConsentVersion. It encodes the page's own struct, so that it
// covers new fields automatically.
//
// It leaves out data that differs between requests, and User.Data, whose type only
// the application knows. It also leaves out which scopes were already allowed: the
// first of two clicks changes that. The ticket lists those scopes by name.
func (q *request) shown(p views.ConsentPage) (oauth.Digest, error) {
	p.Page, p.AppsPage, p.Switch, p.Action, p.Ticket, p.User.Data = views.Page{}, "", "", "", "", nil
	p.Scopes = slices.Clone(p.Scopes)
	for i := range p.Scopes {
		p.Scopes[i].Granted = false
	}
	plain, err := json.Marshal(struct {
		Page           views.ConsentPage
		RedirectURI    string
		ConsentVersion int64
	}{p, q.redirectURI, q.client.ConsentVersion})
	if err != nil {
		return "", fmt.Errorf("encode the data of the consent page: %w", err)
	}
	return oauth.DigestOf(string(plain)), nil
}

// matches reports whether the ticket was made for this browser, this account, and
// these scopes and resources. c is the ticket's cookie, or nil.
func (t *ticket) matches(c *http.Cookie, user oauth.UserRef, q *request) bool {
	return c != nil && t.Browser.Matches(c.Value) &&
		t.Provider == user.Provider && t.User == user.ID &&
		slices.Equal(t.Scopes, q.scopes) && slices.Equal(t.Resources, q.resources)
}

// maxTickets is how many consent pages of one browser can be pending. The limit
// prevents an attacker who opens many pages from evicting the browser's other
// cookies.
const maxTickets = 16

// shortened returns the ticket's cookie with the lifetime of a code. A second click
// after the first response is still recognized for that long.
func (s tickets) shortened(r *http.Request, t *ticket) []*http.Cookie {
	c := s.cookie(r, t)
	if c == nil {
		return nil
	}
	return []*http.Cookie{s.names.New(c.Name, c.Value, int(s.decidedTTL/time.Second))}
}

// evicted returns cookies that delete the oldest tickets' cookies, which browsers
// send first, to make room for one more. Their pages are shown again on a decision.
func (s tickets) evicted(r *http.Request) (cookies []*http.Cookie) {
	var names []string
	for _, c := range r.Cookies() {
		if s.isTicketCookie(c.Name) {
			names = append(names, c.Name)
		}
	}
	for _, name := range names[:max(0, len(names)-maxTickets+1)] {
		cookies = append(cookies, s.names.New(name, "", -1))
	}
	return cookies
}

// cookieName returns the name of a ticket's cookie.
func (s tickets) cookieName(ticketID string) string {
	return s.cookiePrefix() + shortDigest(ticketID)
}

func shortDigest(ticketID string) string { return string(oauth.DigestOf(ticketID))[:ticketName] }

// cookie returns the ticket's cookie, or nil. A node of the previous version gave it a
// name without the issuer's digest.
func (s tickets) cookie(r *http.Request, t *ticket) *http.Cookie {
	for _, name := range []string{s.cookieName(t.ID), s.names.Before(shortDigest(t.ID))} {
		if c, err := r.Cookie(name); err == nil {
			return c
		}
	}
	return nil
}

// ticketName is the length of the ticket's digest in its cookie's name.
const ticketName = 16

// isTicketCookie distinguishes a ticket's cookie from other cookies.
func (s tickets) isTicketCookie(name string) bool {
	digest, ok := strings.CutPrefix(name, s.cookiePrefix())
	return ok && len(digest) == ticketName && strings.Trim(digest, base64URL) == ""
}

func (s tickets) cookiePrefix() string { return s.names.Host("ticket") + "-" }
