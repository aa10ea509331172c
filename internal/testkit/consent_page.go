package testkit

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var (
	refreshElement = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)
	TicketElement  = regexp.MustCompile(`<input type="hidden" name="ticket" value="([^"]*)">`)
	LinkElement    = regexp.MustCompile(`<a class="button primary" href="([^"]*)" rel="noreferrer">`)
	FormElement    = regexp.MustCompile(`<form (?:id="decision" )?method="post" action="([^"]*)">`)
)

// First returns the first submatch of re in a page, or an empty text.
func First(re *regexp.Regexp, body string) string {
	if m := re.FindStringSubmatch(body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// Part returns a value from a page, or the field of the equivalent JSON.
func (a *Response) Part(element *regexp.Regexp, field string) string {
	if a.Header.Get("Content-Type") != "application/json" {
		return First(element, a.Body)
	}
	text, _ := a.JSON()[field].(string)
	return text
}

// Ticket returns the ticket of a consent page. It fails the test for any other
// response.
func (a *Response) Ticket() string {
	a.T.Helper()
	ticket := a.Part(TicketElement, "ticket")
	if a.Status != http.StatusOK || ticket == "" {
		a.T.Fatalf("want a consent page, got %s", a)
	}
	return ticket
}

// IsConsent reports whether the response is a consent page.
func (a *Response) IsConsent() bool { return a.Part(TicketElement, "ticket") != "" }

// Allow presses the Allow button of a consent page.
func (a *Response) Allow() *Response { a.T.Helper(); return a.Decide("allow") }

// Deny presses the Cancel button of a consent page.
func (a *Response) Deny() *Response { a.T.Helper(); return a.Decide("deny") }

// Decide submits a consent page with a decision, and the scopes that are ticked.
func (a *Response) Decide(decision string) *Response {
	a.T.Helper()
	return a.decide(decision, a.Ticked()...)
}

// AllowOnly ticks these optional scopes of a consent page and no others, and presses
// Allow.
func (a *Response) AllowOnly(scopes ...string) *Response {
	a.T.Helper()
	return a.decide("allow", scopes...)
}

var choiceElement = regexp.MustCompile(`<input type="checkbox" form="decision" name="scope_granted" value="([^"]*)"( checked)?>`)

// Choices returns the optional scopes on a consent page. One that is ticked has a + before
// it.
func (a *Response) Choices() string {
	var found []string
	for _, match := range choiceElement.FindAllStringSubmatch(a.Body, -1) {
		found = append(found, strings.Repeat("+", len(match[2])/len(" checked"))+html.UnescapeString(match[1]))
	}
	return strings.Join(found, " ")
}

// Ticked returns the optional scopes on a consent page that are ticked.
func (a *Response) Ticked() (scopes []string) {
	for choice := range strings.FieldsSeq(a.Choices()) {
		if id, ok := strings.CutPrefix(choice, "+"); ok {
			scopes = append(scopes, id)
		}
	}
	return scopes
}

func (a *Response) decide(decision string, scopes ...string) *Response {
	a.T.Helper()
	form := url.Values{"ticket": {a.Ticket()}, "decision": {decision}, "scope_granted": scopes}
	return a.From.Post(a.Part(FormElement, "action"), form)
}

// DecideWith submits a consent page with another ticket.
func (a *Response) DecideWith(ticket, decision string) *Response {
	a.T.Helper()
	return a.From.Post(a.Part(FormElement, "action"), url.Values{"ticket": {ticket}, "decision": {decision}})
}

// PostJSON sends a decision on a consent page that was returned as JSON.
func (a *Response) PostJSON(decision string) *Response {
	a.T.Helper()
	return a.From.AsksJSON("POST", a.Part(FormElement, "action"), map[string]any{"ticket": a.Ticket(), "decision": decision})
}

// Clicks returns n requests that submit a consent page, with the given
// decisions in turn. All have the browser's current cookies, as if none had a
// response yet.
func (a *Response) Clicks(n int, decisions ...string) []*http.Request {
	a.T.Helper()
	b := a.From
	var requests []*http.Request
	for i := range n {
		form := url.Values{"ticket": {a.Ticket()}, "decision": {decisions[i%len(decisions)]}}
		r := b.NewRequest("POST", First(FormElement, a.Body), form.Encode(), http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}})
		for _, c := range b.Jar.Cookies(b.Origin()) {
			r.AddCookie(c)
		}
		requests = append(requests, r)
	}
	return requests
}

// WantPageAnew fails the test unless the server shows the consent page again with a new
// ticket and issues nothing.
func (a *Response) WantPageAnew(instead *Response) *Response {
	a.T.Helper()
	if a.Ticket() == instead.Ticket() || a.Target() != "" {
		a.T.Errorf("want the page again with a new ticket, got %s", a)
	}
	return a
}
