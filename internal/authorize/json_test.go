package authorize_test

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
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// A front end of the application's own gets what the page would show.
func TestAuthorizeJSON_C9_WhatThePageWouldShow(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c := s.Register(passport.Registration{Name: "Order", RedirectURIs: []string{"https://tracker.example:8443/cb"}, Attributes: map[string]string{"note": "internal"}})
	s.Change(c, func(stored *oauth.Client) { stored.Name = "Order \u202eTracker<b>" })
	b := s.Browser().SignIn("alice")
	b.AuthorizeJSON(c, "scope", "read").WantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false},`+
		`"user":{"id":"alice","name":"Name of alice"},"scopes":[{"id":"read","description":"Read your orders","granted":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`).PostJSON("allow")
	b.AuthorizeJSON(c, "scope", "read write", "prompt", "consent").WantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false},`+
		`"user":{"id":"alice","name":"Name of alice"},"scopes":[{"id":"read","description":"Read your orders","granted":true},{"id":"write","description":"Place orders for you","granted":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`)
	native := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}, Owner: testkit.Ref("bob")})
	got := b.AuthorizeJSON(native, "scope", "", "resource", "https://api.example.com").JSON()
	if got["redirect_host"] != "com.example.app" || got["on_device"] != true || got["client"].(map[string]any)["untrusted"] != true ||
		testkit.AsText(got["scopes"]) != "[]" || testkit.AsText(got["resources"]) != "[https://api.example.com]" {
		t.Errorf("an app on the device that a user registered is shown as %v", got)
	}
}

// Where clients and accounts have numbers for IDs, JSON has them as numbers.
func TestAuthorizeJSON_NumbersForIDs(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.ClientIDs, c.NumericUserIDs = passport.Integers, true })
	s.Users.ByID["42"] = &passport.User{ID: "42", Name: "Zaphod"}
	c := s.Web()
	made := *c.Client
	made.ID = "7"
	if err := s.Store.CreateClient(t.Context(), &made, nil); err != nil {
		t.Fatal(err)
	}
	a := s.Browser().SignIn("42").AuthorizeJSON(c, "client_id", "7")
	if !strings.Contains(a.Body, `"client":{"id":7,`) || !strings.Contains(a.Body, `"user":{"id":42,`) {
		t.Errorf("the IDs are no numbers: %s", a.Body)
	}
	if a := s.Browser().SignIn("alice").AuthorizeJSON(c, "client_id", "7"); !strings.Contains(a.Body, `"user":{"id":"alice",`) {
		t.Errorf("an ID that is no number is shown as %s", a.Body)
	}
}

// The answer is posted as JSON or as a form, and says where to send the browser.
func TestAuthorizeJSON_AllowAndDeny(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.AuthorizeJSON(c)
	s.Redeem(c, page.PostJSON("allow").WantStatus(200).Code())
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != testkit.Ref("alice") {
		t.Errorf("events of the consent: %+v", given)
	}
	// What was allowed before needs no page: there is nothing to show.
	s.Redeem(c, b.AuthorizeJSON(c).WantStatus(200).Code())

	declined := b.AuthorizeJSON(c, "prompt", "consent").PostJSON("deny").WantStatus(200).WantRedirectError("access_denied")
	if got := declined.JSON(); len(got) != 1 {
		t.Errorf("one who declined gets %v, want redirect_to alone", got)
	}
	form := func(page *testkit.Response, method, decision string) *testkit.Response {
		r := b.Request(method, "/oauth/authorize")
		body := url.Values{"ticket": {page.Ticket()}}
		if decision != "" {
			body.Set("decision", decision)
		}
		r.Body = testkit.ReadCloser(body.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return b.Send(r)
	}
	form(b.AuthorizeJSON(c, "prompt", "consent"), "POST", "allow").WantStatus(200).Code()
	form(b.AuthorizeJSON(c, "prompt", "consent"), "POST", "deny").WantStatus(200).WantRedirectError("access_denied")
	// As in Passport, DELETE declines.
	form(b.AuthorizeJSON(c, "prompt", "consent"), "DELETE", "").WantStatus(200).WantRedirectError("access_denied")
	page = b.AuthorizeJSON(c, "prompt", "consent")
	b.AsksJSON("DELETE", "/oauth/authorize", map[string]any{"ticket": page.Ticket()}).WantStatus(200).WantRedirectError("access_denied")
	page = b.AuthorizeJSON(c, "prompt", "consent")
	b.AsksJSON("DELETE", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": "allow"}).WantJSONError(400, "invalid_request")
	page.PostJSON("allow").Code()
}

// Who has to sign in is sent there by the front end, and what comes back is asked
// for again, as JSON or not.
func TestAuthorizeJSON_SigningIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser()
		for _, prompt := range []string{"", "login"} {
			b.SignIn("alice")
			if prompt == "" {
				b.SignOut()
			}
			time.Sleep(time.Minute)
			a := b.AuthorizeJSON(c, "prompt", prompt)
			got := a.JSON()
			if a.Status != 401 || got["message"] != "Unauthenticated." || len(got) != 3 ||
				got["sign_in_url"] != "/login?"+(url.Values{"return_to": {testkit.AsText(got["return_to"])}}).Encode() {
				t.Fatalf("prompt=%s of one who has to sign in: %d %s", prompt, a.Status, a.Body)
			}
			time.Sleep(time.Minute)
			b.SignIn("alice")
			b.AsksJSON("GET", testkit.AsText(got["return_to"])).Ticket()
			b.Get(testkit.AsText(got["return_to"])).Ticket()
		}
		b.SignOut()
		b.AuthorizeJSON(c, "prompt", "none").WantJSONError(400, "login_required").WantRedirectError("login_required")
		b.SignIn("alice").AuthorizeJSON(c, "prompt", "none").WantJSONError(400, "consent_required").WantRedirectError("consent_required")
		page := b.AuthorizeJSON(c)
		b.SignOut()
		if a := page.PostJSON("allow"); a.Status != 401 || a.JSON()["sign_in_url"] == nil {
			t.Errorf("an answer of one who has signed out: %d %s", a.Status, a.Body)
		}
	})
}

// What is wrong is said with the same words and, where the client may be told,
// the way to it.
func TestAuthorizeJSON_Errors(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.AuthorizeJSON(c, "client_id", "nobody").WantJSON(400, `{"error":"invalid_client","error_description":"there is no app with this client_id"}`)
	b.AuthorizeJSON(c, "redirect_uri", "https://evil.example").WantJSON(400, `{"error":"invalid_request","error_description":"redirect_uri is not one that is registered for this app"}`)
	b.AuthorizeJSON(c, "scope", "nothing").WantJSON(400, `{"error":"invalid_scope","error_description":"the scope nothing does not exist",`+
		`"redirect_to":"https://app.example.com/cb?error=invalid_scope\u0026error_description=the+scope+nothing+does+not+exist\u0026state=state-of-the-client\u0026iss=https%3A%2F%2Fauth.example.com"}`)
	untrusted := s.Register(passport.Registration{Owner: testkit.Ref("bob")})
	b.AuthorizeJSON(untrusted, "scope", "nothing").WantJSON(400, `{"error":"invalid_scope","error_description":"the scope nothing does not exist"}`)
	b.AuthorizeJSON(untrusted).PostJSON("deny").WantStatus(200).WantRedirectError("access_denied")
	s.Users.With(func() { s.Users.Failure = oauth.ErrUnavailable })
	if a := b.AuthorizeJSON(c).WantJSONError(503, "temporarily_unavailable").WantRedirectError("temporarily_unavailable"); a.Header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After = %q, want 3", a.Header.Get("Retry-After"))
	}
}

// The rules of the ticket are those of the page (RFC 6749 §10.12): this browser,
// this account, this request, ten minutes, one decision.
func TestAuthorizeJSON_AZ_27_TicketRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		page := b.AuthorizeJSON(c)
		for name, other := range map[string]*testkit.Browser{"another browser": s.Browser().SignIn("alice"), "another account": b.At(s).SignIn("bob")} {
			stolen := *page
			stolen.From = other
			a := stolen.PostJSON("allow")
			if a.Status != http.StatusConflict || a.JSON()["message"] == nil || a.Part(testkit.TicketElement, "ticket") == page.Ticket() || !a.IsConsent() || a.Target() != "" {
				t.Errorf("a ticket in %s: %d %s, want it asked anew with another", name, a.Status, a.Body)
			}
		}
		b.SignIn("alice")
		code := page.PostJSON("allow").Code()
		if again := page.PostJSON("allow").Code(); again != code {
			t.Errorf("a second click gets the code %s, want that of the first, %s", again, code)
		}
		page.PostJSON("deny").WantJSON(409, `{"message":"You have allowed this request already. To take it back, remove the app's access."}`)
		s.Redeem(c, code)
		page.PostJSON("allow").WantJSON(409, `{"message":"You have allowed this request already, and the app has its answer."}`)

		page = b.AuthorizeJSON(c, "prompt", "consent")
		time.Sleep(10 * time.Minute)
		page.PostJSON("allow").WantJSON(400, `{"error":"invalid_request","error_description":"this page has expired. Go back to the app and start again"}`)
		if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != testkit.Ref("alice") {
			t.Errorf("events of consent: %+v, want that of alice alone", given)
		}
	})
}

// Allowing and declining at once: one of them wins, on a page and by script.
func TestAuthorizeJSON_AZ_27_OneDecisionWins(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for range 20 {
		page := b.AuthorizeJSON(c, "prompt", "consent")
		answers := make([]*testkit.Response, 4)
		var wg sync.WaitGroup
		for i, decision := range []string{"allow", "deny", "allow", "deny"} {
			r := b.Request("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": decision})
			for _, cookie := range b.Jar.Cookies(b.Origin()) {
				r.AddCookie(cookie)
			}
			wg.Go(func() { answers[i] = s.Do(r) })
		}
		wg.Wait()
		codes, declined := map[string]bool{}, 0
		for _, a := range answers {
			to, _ := url.Parse(a.Target())
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
	for _, base := range []string{testkit.Issuer, "http://auth.example.com"} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Issuer, c.InsecureAllowHTTP = base, true })
		c, b := s.Web(), s.Browser().SignIn("alice")
		page := b.AuthorizeJSON(c)
		for name, header := range map[string]http.Header{
			"cross-site":     {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
			"same-site":      {"Origin": {"https://other.example.com"}, "Sec-Fetch-Site": {"same-site"}},
			"a sandbox":      {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
			"an old browser": {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": nil},
			"an old sandbox": {"Origin": {"null"}, "Sec-Fetch-Site": nil},
		} {
			for _, method := range []string{"POST", "DELETE"} {
				r := b.Request(method, "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": map[string]string{"POST": "allow", "DELETE": "deny"}[method]})
				maps.Copy(r.Header, header)
				b.Send(r).WantJSONError(403, "access_denied") // and send looks for CORS headers
			}
			r := b.Request("GET", "/oauth/authorize?"+c.Request().Encode())
			maps.Copy(r.Header, header)
			a := b.Send(r).WantJSONError(403, "access_denied") // neither ticket nor code, should the application have put CORS around its routes
			if a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: a GET is answered with %v", name, a.Header)
			}
		}
		r := b.Request("OPTIONS", "/oauth/authorize")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		if a := b.Send(r); a.Status != http.StatusMethodNotAllowed {
			t.Errorf("OPTIONS = %s", a)
		}
		page.PostJSON("allow").Code()
	}
}

// What is no answer changes nothing, whatever it is.
func TestAuthorizeJSON_MalformedAnswers(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.AuthorizeJSON(c)
	ticket, _ := json.Marshal(page.Ticket())
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
		r := b.Request("POST", "/oauth/authorize")
		r.Body = testkit.ReadCloser(body)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		if a := b.Send(r).WantJSONError(400, "invalid_request"); a.JSON()["error_description"] != want {
			t.Errorf("%s: %v, want %s", body, a.JSON(), want)
		}
	}
	r := b.Request("POST", "/oauth/authorize")
	r.Body = testkit.ReadCloser(`{"ticket":"` + strings.Repeat("x", 1<<17) + `"}`)
	r.Header.Set("Content-Type", "application/json")
	b.Send(r).WantJSONError(413, "invalid_request")
	b.AsksJSON("DELETE", "/oauth/authorize").WantJSONError(405, "invalid_request")
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 0 {
		t.Fatalf("somebody consented: %+v", given)
	}
	page.PostJSON("allow").Code()
}

// A browser that asks for HTML gets a page, a script that sends JSON and does not
// say what it wants gets JSON.
func TestAuthorizeJSON_WhoGetsIt(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	c, b := s.Web(), s.Browser().SignIn("alice")
	if a := b.Authorize(c); a.Status != http.StatusSeeOther {
		t.Errorf("a browser gets %s, want a redirect", a)
	}
	s.Redeem(c, b.AuthorizeJSON(c).WantStatus(200).Code())
	for accept, asJSON := range map[string]bool{"*/*": true, "": true, "text/html": false, "text/html,application/json": false} {
		page := b.AuthorizeJSON(c, "prompt", "consent")
		r := b.Request("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": "allow"})
		r.Header.Set("Accept", accept)
		if a := b.Send(r); (a.Header.Get("Content-Type") == "application/json") != asJSON || a.Code() == "" {
			t.Errorf("Accept %q, sending JSON: %s", accept, a)
		}
	}
}

// What the implicit grant answers goes to the script as it would to the browser: in
// the fragment, once.
func TestAuthorizeJSON_ImplicitGrant(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.EnableImplicitGrant = true })
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, GrantTypes: []string{"implicit"}})
	page := s.Browser().SignIn("alice").AuthorizeJSON(c, "response_type", "token", "code_challenge", "", "code_challenge_method", "")
	to := page.PostJSON("allow").WantStatus(200).Target()
	if !strings.HasPrefix(to, "https://app.example.com/cb#") || !strings.Contains(to, "access_token=") {
		t.Errorf("redirect_to = %s, want a token in the fragment", to)
	}
	page.PostJSON("allow").WantJSON(409, `{"message":"You have allowed this request already, and the app has its answer."}`)
}
