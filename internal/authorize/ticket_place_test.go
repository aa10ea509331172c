package authorize_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-passport/passport/internal/testkit"
)

var addresses = regexp.MustCompile(`(?:href|action|src|formaction|content)="([^"]*)"`)

// B20: a ticket is in the hidden field of its form only: not in an address of the page, a
// cookie, or a redirect after a decision.
func TestAuthorize_NeverRepeat_B20_TicketIsInTheFormOnly(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	for name, decide := range map[string]func(*testkit.Response) *testkit.Response{"allow": (*testkit.Response).Allow, "deny": (*testkit.Response).Deny} {
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "prompt", "consent")
		ticket := page.Ticket()
		part := ticket[len(ticket)-30:]
		if n := strings.Count(html.UnescapeString(page.Body), part); n != 1 {
			t.Errorf("%s: the page has the ticket %d times, want once, in its form", name, n)
		}
		for _, address := range addresses.FindAllStringSubmatch(page.Body, -1) {
			if strings.Contains(html.UnescapeString(address[1]), part) {
				t.Errorf("%s: the address %s has the ticket", name, address[1])
			}
		}
		done := decide(page)
		if strings.Contains(done.Target(), part) || strings.Contains(done.Body, part) {
			t.Errorf("%s: the response has the ticket: %s", name, done)
		}
		for _, cookie := range b.Jar.Cookies(b.Origin()) {
			if strings.Contains(cookie.Value, part) || strings.Contains(ticket, cookie.Value) {
				t.Errorf("%s: the cookie %s has a part of the ticket", name, cookie.Name)
			}
		}
	}
}

// B20: the server reads no ticket from a URL, where a log, a history or a referrer would
// keep it.
func TestAuthorize_NeverRepeat_B20_NoTicketFromAURL(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	b := s.Browser().SignIn("alice")
	page := b.Authorize(c)
	ticket := page.Ticket()
	query := "/oauth/authorize?" + url.Values{"ticket": {ticket}, "decision": {"allow"}}.Encode()
	for name, a := range map[string]*testkit.Response{
		"GET":                         b.Get(query),
		"POST without a form":         b.Post(query, nil),
		"POST with the decision only": b.Post(query, url.Values{"decision": {"allow"}}),
		"DELETE":                      b.Send(b.NewRequest(http.MethodDelete, query, "", http.Header{"Sec-Fetch-Site": {"same-origin"}})),
	} {
		if a.Status < 400 || a.Header.Get("Location") != "" {
			t.Errorf("%s with a ticket in the URL = %s, want a refusal", name, a)
		}
	}
	page.Allow().Code() // the ticket is still unused
}
