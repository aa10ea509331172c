package authorize

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-passport/passport/internal/keyring"
	"github.com/go-passport/passport/internal/secret"
	"github.com/go-passport/passport/internal/tokens"
	"github.com/go-passport/passport/internal/uuid"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/views"
)

// TicketTTL is how long a consent page waits for a decision.
const TicketTTL = 10 * time.Minute

// tickets makes and opens the tickets of consent pages, and the marks of requests
// that wait for a sign-in.
type tickets struct {
	keys    *keyring.Live
	https   bool          // the issuer is https
	lingers time.Duration // how long the cookie of a decided page stays
}

// ticket is the pending request of a consent page. It travels in the form,
// sealed, so that no session is needed and tabs are independent of each other.
// It works once, for the account that the page was shown to, in the browser that
// has its cookie.
type ticket struct {
	ID        string       `json:"id"`
	Params    string       `json:"params"` // of the request, form-encoded
	Scopes    []string     `json:"scopes"` // that the page showed
	Resources []string     `json:"resources,omitempty"`
	Shown     oauth.Digest `json:"shown"`             // of the page: see request.shown
	Granted   []string     `json:"granted,omitempty"` // scopes that the page showed as allowed before
	Provider  string       `json:"provider"`
	User      string       `json:"user"`
	Browser   oauth.Digest `json:"browser"` // of the cookie's value
	Expires   int64        `json:"expires"` // Unix seconds
	root      *keyring.Root
	params    url.Values
}

// new returns the sealed ticket of a page and the cookies that go with it.
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
	for _, scope := range p.Old() {
		t.Granted = append(t.Granted, scope.ID)
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", nil, fmt.Errorf("encode ticket: %w", err)
	}
	cookies = append(s.droppedTickets(r), s.ticketCookie(s.cookieName(t.ID), browser, int(TicketTTL/time.Second)))
	return s.keys.Roots().Seal("ticket", plain), cookies, nil
}

// open opens a ticket that was sealed with any of the keys and has not
// expired.
func (s tickets) open(sealed string, at time.Time) (*ticket, error) {
	plain, root, err := s.keys.Roots().Open("ticket", sealed)
	if err != nil {
		return nil, fmt.Errorf("the ticket is not one of ours, or the key that sealed it is gone: %w", err)
	}
	t := &ticket{root: root}
	if err := json.Unmarshal(plain, t); err != nil {
		return nil, fmt.Errorf("decode ticket: %w", err)
	}
	if at.Unix() >= t.Expires {
		return nil, fmt.Errorf("the ticket expired at %v", time.Unix(t.Expires, 0).UTC())
	}
	if t.params, err = url.ParseQuery(t.Params); err != nil {
		return nil, fmt.Errorf("decode ticket: %w", err)
	}
	return t, nil
}

// code is the authorization code that allowing with this ticket makes: derived,
// so that a double click makes one.
func (t *ticket) code() string { return t.root.Derive("code", t.ID) }

// tokenID is the ID of the access token that allowing with this ticket makes where
// the answer is a token: by it a second click learns what the first one did.
func (t *ticket) tokenID() string { return uuid.NewV8(t.root.Derive("access token", t.ID)) }

// used is the ticket as an issuance uses it up; nil without one.
func (t *ticket) used() *tokens.Ticket {
	if t == nil {
		return nil
	}
	return &tokens.Ticket{ID: t.ID, Until: t.until(), TokenID: t.tokenID()}
}

// until is when the row of the used ticket may be purged: never before the
// ticket itself is worth nothing.
func (t *ticket) until() time.Time { return time.Unix(t.Expires, 0).UTC().Add(time.Minute) }

// shown returns the digest of all that a consent page shows, of the redirect URI
// behind the host on it, and of the client's ConsentVersion. It is made of the page's
// own data, so a field that the page gets later is in it.
//
// Left out are what differs from request to request, and User.Data, whose type only
// the application knows. So are the marks of scopes that were allowed before: the
// first of two clicks changes them. The ticket has those by name.
func (q *request) shown(p views.ConsentPage) (oauth.Digest, error) {
	p.Page, p.Action, p.Ticket, p.User.Data = views.Page{}, "", "", nil
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
		return "", fmt.Errorf("encode what the consent page shows: %w", err)
	}
	return oauth.DigestOf(string(plain)), nil
}

// matches reports whether the ticket was made for this browser, this account, and
// these scopes and resources.
func (t *ticket) matches(r *http.Request, name string, user oauth.UserRef, q *request) bool {
	cookie, err := r.Cookie(name)
	return err == nil && t.Browser.Matches(cookie.Value) &&
		t.Provider == user.Provider && t.User == user.ID &&
		slices.Equal(t.Scopes, q.scopes) && slices.Equal(t.Resources, q.resources)
}

// maxTickets is how many consent pages of one browser may wait for an answer.
// Who opens page after page in somebody's browser must not push its other
// cookies out.
const maxTickets = 16

// lingering lets the cookie of an answered page live only as long as a code does: a
// second click that the browser sends after it has read the answer to the first is
// then known for what it is.
func (s tickets) lingering(r *http.Request, t *ticket) []*http.Cookie {
	name := s.cookieName(t.ID)
	c, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	return []*http.Cookie{s.ticketCookie(name, c.Value, int(s.lingers/time.Second))}
}

// droppedTickets take the oldest tickets' cookies away, which browsers send first,
// so that there is room for one more. The pages they belong to are shown anew.
func (s tickets) droppedTickets(r *http.Request) (cookies []*http.Cookie) {
	var names []string
	for _, c := range r.Cookies() {
		if s.isTicketCookie(c.Name) {
			names = append(names, c.Name)
		}
	}
	for _, name := range names[:max(0, len(names)-maxTickets+1)] {
		cookies = append(cookies, s.ticketCookie(name, "", -1))
	}
	return cookies
}

// cookieName is the name of a ticket's own cookie.
func (s tickets) cookieName(ticketID string) string {
	return s.cookiePrefix() + string(oauth.DigestOf(ticketID))[:ticketName]
}

// ticketName is how much of a ticket's digest is in the name of its cookie.
const ticketName = 16

// isTicketCookie tells a ticket's cookie from others that begin like it: that of
// a session in package account is one.
func (s tickets) isTicketCookie(name string) bool {
	digest, ok := strings.CutPrefix(name, s.cookiePrefix())
	return ok && len(digest) == ticketName && strings.Trim(digest, base64URL) == ""
}

func (s tickets) cookiePrefix() string {
	if s.https {
		return "__Host-passport-"
	}
	return "passport-"
}

// ticketCookie returns the cookie that binds a ticket to a browser; with a
// negative age, one that takes it away.
func (s tickets) ticketCookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.https, SameSite: http.SameSiteLaxMode,
	}
}

// markParam is the parameter that the return address of a sign-in page carries.
const markParam = "passport_sign_in"

// MarkTTL is how long signing in may take.
const MarkTTL = time.Hour

// mark says that a browser was sent to sign in, and when, for one request.
type mark struct {
	Asked  int64        `json:"asked"` // Unix seconds
	Params oauth.Digest `json:"params"`
}

// newMark seals a mark for a request that comes in now.
func (s tickets) newMark(params url.Values, at time.Time) (string, error) {
	plain, err := json.Marshal(mark{Asked: at.Unix(), Params: digestOfParams(params)})
	if err != nil {
		return "", fmt.Errorf("encode mark: %w", err)
	}
	return s.keys.Roots().Seal("sign-in mark", plain), nil
}

// openMark returns when the browser was sent to sign in for this very request;
// zero if it was not, or too long ago.
func (s tickets) openMark(params url.Values, at time.Time) time.Time {
	plain, _, err := s.keys.Roots().Open("sign-in mark", params.Get(markParam))
	var m mark
	if err != nil || json.Unmarshal(plain, &m) != nil || m.Params != digestOfParams(params) {
		return time.Time{}
	}
	asked := time.Unix(m.Asked, 0)
	if !at.Before(asked.Add(MarkTTL)) {
		return time.Time{}
	}
	return asked
}

func digestOfParams(params url.Values) oauth.Digest {
	rest := url.Values{}
	for name, values := range params {
		if name != markParam {
			rest[name] = values
		}
	}
	return oauth.DigestOf(rest.Encode())
}
