package passport_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// asksJSON sends what a page of the application's own sends: for JSON, from its own
// origin, with the cookies of the browser, which keeps those of the answer.
func (b *browser) asksJSON(method, path string, body ...any) *answer {
	b.t.Helper()
	a := b.send(b.request(method, path, body...))
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.header.Get("Location") != "" {
		b.t.Errorf("want JSON that other origins cannot load and that leads nowhere by itself, got %v: %s", a.header, a)
	}
	return a
}

// authorizeJSON is an authorization request of a script; see [client.request].
func (b *browser) authorizeJSON(c *client, pairs ...string) *answer {
	b.t.Helper()
	return b.asksJSON("GET", b.server.authorizePath()+"?"+c.request(pairs...).Encode())
}

// postJSON answers a page that was shown as JSON.
func (a *answer) postJSON(decision string) *answer {
	a.t.Helper()
	return a.from.asksJSON("POST", a.part(formElement, "action"), map[string]any{"ticket": a.ticket(), "decision": decision})
}

// wantJSON fails unless the answer is this JSON, once the ticket is taken out.
func (a *answer) wantJSON(status int, want string) *answer {
	a.t.Helper()
	got := a.body
	if ticket, ok := a.json()["ticket"].(string); ok {
		got = strings.Replace(got, ticket, "TICKET", 1)
	}
	if a.status != status || strings.TrimSpace(got) != want {
		a.t.Errorf("want %d\n%s\ngot %d\n%s", status, want, a.status, got)
	}
	return a
}

// A front end of the application's own gets what the page would show.
func TestAuthorizeJSON_C9_WhatThePageWouldShow(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c := s.register(passport.Registration{Name: "Order \u202eTracker<b>", RedirectURIs: []string{"https://tracker.example:8443/cb"}, Attributes: map[string]string{"note": "internal"}})
	b := s.browser().signIn("alice")
	b.authorizeJSON(c, "scope", "read").wantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false},`+
		`"user":{"id":"alice","name":"Name of alice"},"scopes":[{"id":"read","description":"Read your orders","granted":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`).postJSON("allow")
	b.authorizeJSON(c, "scope", "read write", "prompt", "consent").wantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false},`+
		`"user":{"id":"alice","name":"Name of alice"},"scopes":[{"id":"read","description":"Read your orders","granted":true},{"id":"write","description":"Place orders for you","granted":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`)
	native := s.register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}, Owner: ref("bob")})
	got := b.authorizeJSON(native, "scope", "", "resource", "https://api.example.com").json()
	if got["redirect_host"] != "com.example.app" || got["on_device"] != true || got["client"].(map[string]any)["untrusted"] != true ||
		asText(got["scopes"]) != "[]" || asText(got["resources"]) != "[https://api.example.com]" {
		t.Errorf("an app on the device that a user registered is shown as %v", got)
	}
}

// Where clients and accounts have numbers for IDs, JSON has them as numbers.
func TestAuthorizeJSON_NumbersForIDs(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.ClientIDs, c.NumericUserIDs = passport.Integers, true })
	s.users.byID["42"] = &passport.User{ID: "42", Name: "Zaphod"}
	c := s.web()
	made := *c.Client
	made.ID = "7"
	if err := s.store.CreateClient(t.Context(), &made, nil); err != nil {
		t.Fatal(err)
	}
	a := s.browser().signIn("42").authorizeJSON(c, "client_id", "7")
	if !strings.Contains(a.body, `"client":{"id":7,`) || !strings.Contains(a.body, `"user":{"id":42,`) {
		t.Errorf("the IDs are no numbers: %s", a.body)
	}
	if a := s.browser().signIn("alice").authorizeJSON(c, "client_id", "7"); !strings.Contains(a.body, `"user":{"id":"alice",`) {
		t.Errorf("an ID that is no number is shown as %s", a.body)
	}
}

// The answer is posted as JSON or as a form, and says where to send the browser.
func TestAuthorizeJSON_AllowAndDeny(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorizeJSON(c)
	s.redeem(c, page.postJSON("allow").wantStatus(200).code())
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != ref("alice") {
		t.Errorf("events of the consent: %+v", given)
	}
	// What was allowed before needs no page: there is nothing to show.
	s.redeem(c, b.authorizeJSON(c).wantStatus(200).code())

	declined := b.authorizeJSON(c, "prompt", "consent").postJSON("deny").wantStatus(200).wantRedirectError("access_denied")
	if got := declined.json(); len(got) != 1 {
		t.Errorf("one who declined gets %v, want redirect_to alone", got)
	}
	form := func(page *answer, method, decision string) *answer {
		r := b.request(method, "/oauth/authorize")
		body := url.Values{"ticket": {page.ticket()}}
		if decision != "" {
			body.Set("decision", decision)
		}
		r.Body = readCloser(body.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.send(r)
	}
	form(b.authorizeJSON(c, "prompt", "consent"), "POST", "allow").wantStatus(200).code()
	form(b.authorizeJSON(c, "prompt", "consent"), "POST", "deny").wantStatus(200).wantRedirectError("access_denied")
	// As in Passport, DELETE declines.
	form(b.authorizeJSON(c, "prompt", "consent"), "DELETE", "").wantStatus(200).wantRedirectError("access_denied")
	page = b.authorizeJSON(c, "prompt", "consent")
	b.asksJSON("DELETE", "/oauth/authorize", map[string]any{"ticket": page.ticket()}).wantStatus(200).wantRedirectError("access_denied")
	page = b.authorizeJSON(c, "prompt", "consent")
	b.asksJSON("DELETE", "/oauth/authorize", map[string]any{"ticket": page.ticket(), "decision": "allow"}).wantJSONError(400, "invalid_request")
	page.postJSON("allow").code()
}

// Who has to sign in is sent there by the front end, and what comes back is asked
// for again, as JSON or not.
func TestAuthorizeJSON_SigningIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, b := s.web(), s.browser()
		for _, prompt := range []string{"", "login"} {
			b.signIn("alice")
			if prompt == "" {
				b.signOut()
			}
			time.Sleep(time.Minute)
			a := b.authorizeJSON(c, "prompt", prompt)
			got := a.json()
			if a.status != 401 || got["message"] != "Unauthenticated." || len(got) != 3 ||
				got["sign_in_url"] != "/login?"+(url.Values{"return_to": {asText(got["return_to"])}}).Encode() {
				t.Fatalf("prompt=%s of one who has to sign in: %d %s", prompt, a.status, a.body)
			}
			time.Sleep(time.Minute)
			b.signIn("alice")
			b.asksJSON("GET", asText(got["return_to"])).ticket()
			b.get(asText(got["return_to"])).ticket()
		}
		b.signOut()
		b.authorizeJSON(c, "prompt", "none").wantJSONError(400, "login_required").wantRedirectError("login_required")
		b.signIn("alice").authorizeJSON(c, "prompt", "none").wantJSONError(400, "consent_required").wantRedirectError("consent_required")
		page := b.authorizeJSON(c)
		b.signOut()
		if a := page.postJSON("allow"); a.status != 401 || a.json()["sign_in_url"] == nil {
			t.Errorf("an answer of one who has signed out: %d %s", a.status, a.body)
		}
	})
}

// What is wrong is said with the same words and, where the client may be told,
// the way to it.
func TestAuthorizeJSON_Errors(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	b.authorizeJSON(c, "client_id", "nobody").wantJSON(400, `{"error":"invalid_client","error_description":"there is no app with this client_id"}`)
	b.authorizeJSON(c, "redirect_uri", "https://evil.example").wantJSON(400, `{"error":"invalid_request","error_description":"redirect_uri is not one that is registered for this app"}`)
	b.authorizeJSON(c, "scope", "nothing").wantJSON(400, `{"error":"invalid_scope","error_description":"the scope nothing does not exist",`+
		`"redirect_to":"https://app.example.com/cb?error=invalid_scope\u0026error_description=the+scope+nothing+does+not+exist\u0026state=state-of-the-client\u0026iss=https%3A%2F%2Fauth.example.com"}`)
	untrusted := s.register(passport.Registration{Owner: ref("bob")})
	b.authorizeJSON(untrusted, "scope", "nothing").wantJSON(400, `{"error":"invalid_scope","error_description":"the scope nothing does not exist"}`)
	b.authorizeJSON(untrusted).postJSON("deny").wantStatus(200).wantRedirectError("access_denied")
	s.users.with(func() { s.users.failure = oauth.ErrUnavailable })
	if a := b.authorizeJSON(c).wantJSONError(503, "temporarily_unavailable").wantRedirectError("temporarily_unavailable"); a.header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After = %q, want 3", a.header.Get("Retry-After"))
	}
}

// The rules of the ticket are those of the page (RFC 6749 §10.12): this browser,
// this account, this request, ten minutes, one decision.
func TestAuthorizeJSON_AZ_27_TicketRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, b := s.web(), s.browser().signIn("alice")
		page := b.authorizeJSON(c)
		for name, other := range map[string]*browser{"another browser": s.browser().signIn("alice"), "another account": b.at(s).signIn("bob")} {
			stolen := *page
			stolen.from = other
			a := stolen.postJSON("allow")
			if a.status != http.StatusConflict || a.json()["message"] == nil || a.part(ticketElement, "ticket") == page.ticket() || !a.isConsent() || a.target() != "" {
				t.Errorf("a ticket in %s: %d %s, want it asked anew with another", name, a.status, a.body)
			}
		}
		b.signIn("alice")
		code := page.postJSON("allow").code()
		if again := page.postJSON("allow").code(); again != code {
			t.Errorf("a second click gets the code %s, want that of the first, %s", again, code)
		}
		page.postJSON("deny").wantJSON(409, `{"message":"You have allowed this request already. To take it back, remove the app's access."}`)
		s.redeem(c, code)
		page.postJSON("allow").wantJSON(409, `{"message":"You have allowed this request already, and the app has its answer."}`)

		page = b.authorizeJSON(c, "prompt", "consent")
		time.Sleep(10 * time.Minute)
		page.postJSON("allow").wantJSON(400, `{"error":"invalid_request","error_description":"this page has expired. Go back to the app and start again"}`)
		if given := eventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != ref("alice") {
			t.Errorf("events of consent: %+v, want that of alice alone", given)
		}
	})
}

// Allowing and declining at once: one of them wins, on a page and by script.
func TestAuthorizeJSON_AZ_27_OneDecisionWins(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	for range 20 {
		page := b.authorizeJSON(c, "prompt", "consent")
		answers := make([]*answer, 4)
		var wg sync.WaitGroup
		for i, decision := range []string{"allow", "deny", "allow", "deny"} {
			r := b.request("POST", "/oauth/authorize", map[string]any{"ticket": page.ticket(), "decision": decision})
			for _, cookie := range b.jar.Cookies(b.origin()) {
				r.AddCookie(cookie)
			}
			wg.Go(func() { answers[i] = s.do(r) })
		}
		wg.Wait()
		codes, declined := map[string]bool{}, 0
		for _, a := range answers {
			to, _ := url.Parse(a.target())
			if code := to.Query().Get("code"); code != "" {
				codes[code] = true
			}
			if to.Query().Get("error") == "access_denied" {
				declined++
			}
		}
		if len(codes)+min(declined, 1) != 1 {
			t.Fatalf("%d codes and %d times declined, want one or the other: %v", len(codes), declined, answers)
		}
	}
}

// No other origin reads a ticket or sends an answer: there is no CORS, scripts
// say where they come from, and the JSON cannot be loaded as anything else.
func TestAuthorizeJSON_AZ_24_NeverRepeat_B10_NoOtherOrigin(t *testing.T) {
	for _, base := range []string{issuer, "http://auth.example.com"} {
		s := newServer(t, func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = base, true })
		c, b := s.web(), s.browser().signIn("alice")
		page := b.authorizeJSON(c)
		for name, header := range map[string]http.Header{
			"cross-site":     {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
			"same-site":      {"Origin": {"https://other.example.com"}, "Sec-Fetch-Site": {"same-site"}},
			"a sandbox":      {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
			"an old browser": {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": nil},
			"an old sandbox": {"Origin": {"null"}, "Sec-Fetch-Site": nil},
		} {
			for _, method := range []string{"POST", "DELETE"} {
				r := b.request(method, "/oauth/authorize", map[string]any{"ticket": page.ticket(), "decision": map[string]string{"POST": "allow", "DELETE": "deny"}[method]})
				maps.Copy(r.Header, header)
				b.send(r).wantJSONError(403, "access_denied") // and send looks for CORS headers
			}
			r := b.request("GET", "/oauth/authorize?"+c.request().Encode())
			maps.Copy(r.Header, header)
			a := b.send(r).wantJSONError(403, "access_denied") // neither ticket nor code, should the application have put CORS around its routes
			if a.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: a GET is answered with %v", name, a.header)
			}
		}
		r := b.request("OPTIONS", "/oauth/authorize")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		if a := b.send(r); a.status != http.StatusMethodNotAllowed {
			t.Errorf("OPTIONS = %s", a)
		}
		page.postJSON("allow").code()
	}
}

// What is no answer changes nothing, whatever it is.
func TestAuthorizeJSON_MalformedAnswers(t *testing.T) {
	s := newServer(t)
	c, b := s.web(), s.browser().signIn("alice")
	page := b.authorizeJSON(c)
	ticket, _ := json.Marshal(page.ticket())
	for body, want := range map[string]string{
		`{"ticket":` + string(ticket) + `}`:                      "the answer is neither allow nor deny",
		`{"ticket":` + string(ticket) + `,"decision":null}`:      "the answer is neither allow nor deny",
		`{"ticket":` + string(ticket) + `,"decision":"ALLOW"}`:   "the answer is neither allow nor deny",
		`{"decision":"allow"}`:                                   "the answer is neither allow nor deny",
		`{"Ticket":` + string(ticket) + `,"decision":"allow"}`:   "the answer is neither allow nor deny",
		`{"ticket":["x"],"decision":"allow"}`:                    "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":true}`:      "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":"allow"`:    "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":"allow"}{}`: "the request is not properly encoded",
		`{"ticket":"` + "\xff" + `","decision":"allow"}`:         "the request is not properly encoded",
		``:                                  "the answer is neither allow nor deny",
		`[]`:                                "the answer is neither allow nor deny",
		`{"ticket":"x","decision":"allow"}`: "this page has expired. Go back to the app and start again",
	} {
		r := b.request("POST", "/oauth/authorize")
		r.Body = readCloser(body)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		if a := b.send(r).wantJSONError(400, "invalid_request"); a.json()["error_description"] != want {
			t.Errorf("%s: %v, want %s", body, a.json(), want)
		}
	}
	r := b.request("POST", "/oauth/authorize")
	r.Body = readCloser(`{"ticket":"` + strings.Repeat("x", 1<<17) + `"}`)
	r.Header.Set("Content-Type", "application/json")
	b.send(r).wantJSONError(413, "invalid_request")
	b.asksJSON("DELETE", "/oauth/authorize").wantJSONError(405, "invalid_request")
	if given := eventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Fatalf("somebody consented: %+v", given)
	}
	page.postJSON("allow").code()
}

// A browser that asks for HTML gets a page, a script that sends JSON and does not
// say what it wants gets JSON.
func TestAuthorizeJSON_WhoGetsIt(t *testing.T) {
	s := newServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	c, b := s.web(), s.browser().signIn("alice")
	if a := b.authorize(c); a.status != http.StatusSeeOther {
		t.Errorf("a browser gets %s, want a redirect", a)
	}
	s.redeem(c, b.authorizeJSON(c).wantStatus(200).code())
	for accept, asJSON := range map[string]bool{"*/*": true, "": true, "text/html": false, "text/html,application/json": false} {
		page := b.authorizeJSON(c, "prompt", "consent")
		r := b.request("POST", "/oauth/authorize", map[string]any{"ticket": page.ticket(), "decision": "allow"})
		r.Header.Set("Accept", accept)
		if a := b.send(r); (a.header.Get("Content-Type") == "application/json") != asJSON || a.code() == "" {
			t.Errorf("Accept %q, sending JSON: %s", accept, a)
		}
	}
}

// What the implicit grant answers goes to the script as it would to the browser: in
// the fragment, once.
func TestAuthorizeJSON_ImplicitGrant(t *testing.T) {
	s := newServer(t, func(c *passport.Config) { c.EnableImplicitGrant = true })
	c := s.register(passport.Registration{AuthMethod: oauth.AuthNone, GrantTypes: []string{"implicit"}})
	page := s.browser().signIn("alice").authorizeJSON(c, "response_type", "token", "code_challenge", "", "code_challenge_method", "")
	to := page.postJSON("allow").wantStatus(200).target()
	if !strings.HasPrefix(to, "https://app.example.com/cb#") || !strings.Contains(to, "access_token=") {
		t.Errorf("redirect_to = %s, want a token in the fragment", to)
	}
	page.postJSON("allow").wantJSON(409, `{"message":"You have allowed this request already, and the app has its answer."}`)
}
