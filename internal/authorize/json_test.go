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

// An application's front end gets the data of the page.
func TestAuthorizeJSON_C9_DataOfThePage(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.Resources = []string{"https://api.example.com"} })
	c := s.Register(passport.Registration{Name: "Order", RedirectURIs: []string{"https://tracker.example:8443/cb"}, Attributes: map[string]string{"note": "internal"}})
	s.Change(c, func(stored *oauth.Client) { stored.Name = "Order \u202eTracker<b>" })
	b := s.Browser().SignIn("alice")
	b.AuthorizeJSON(c, "scope", "read").WantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false,"verified":false},`+
		`"user":{"id":"alice","name":"Name of alice","email":"alice@example.com"},"scopes":[{"id":"read","description":"Read your orders","granted":false,"group":"","can_change":false,"sensitive":false,"optional":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`).PostJSON("allow")
	b.AuthorizeJSON(c, "scope", "read write", "prompt", "consent").WantJSON(200, `{"client":{"id":"`+c.ID+`","name":"Order Tracker\u003cb\u003e","untrusted":false,"verified":false},`+
		`"user":{"id":"alice","name":"Name of alice","email":"alice@example.com"},"scopes":[{"id":"read","description":"Read your orders","granted":true,"group":"","can_change":false,"sensitive":false,"optional":false},{"id":"write","description":"Place orders for you","granted":false,"group":"","can_change":false,"sensitive":false,"optional":false}],"resources":[],`+
		`"redirect_host":"tracker.example:8443","on_device":false,"days":365,"action":"/oauth/authorize","ticket":"TICKET","expires_in":600}`)
	native := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}, Owner: testkit.Ref("bob")})
	got := b.AuthorizeJSON(native, "scope", "", "resource", "https://api.example.com").JSON()
	if got["redirect_host"] != "com.example.app" || got["on_device"] != true || got["client"].(map[string]any)["untrusted"] != true ||
		testkit.AsText(got["scopes"]) != "[]" || testkit.AsText(got["resources"]) != "[https://api.example.com]" {
		t.Errorf("the JSON for a user's app on the device is %v", got)
	}
}

// Numeric IDs of clients and accounts are numbers in JSON.
func TestAuthorizeJSON_NumericIDs(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.ClientIDs, c.NumericUserIDs = passport.Integers, true })
	s.Users.ByID["42"] = &passport.User{ID: "42", Name: "Zaphod"}
	c := s.Web()
	numbered := *c.Client
	numbered.ID = "7"
	if err := s.Store.CreateClient(t.Context(), &numbered, nil); err != nil {
		t.Fatal(err)
	}
	a := s.Browser().SignIn("42").AuthorizeJSON(c, "client_id", "7")
	if !strings.Contains(a.Body, `"client":{"id":7,`) || !strings.Contains(a.Body, `"user":{"id":42,`) {
		t.Errorf("the IDs are not numbers: %s", a.Body)
	}
	if a := s.Browser().SignIn("alice").AuthorizeJSON(c, "client_id", "7"); !strings.Contains(a.Body, `"user":{"id":"alice",`) {
		t.Errorf("an ID that is not a number: %s, want a string", a.Body)
	}
}

// A script sends the decision as JSON or as a form. The response has the URL for the
// browser.
func TestAuthorizeJSON_AllowAndDeny(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.AuthorizeJSON(c)
	s.Redeem(c, page.PostJSON("allow").WantStatus(200).Code())
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != testkit.Ref("alice") {
		t.Errorf("ConsentGiven events = %+v, want one for alice", given)
	}
	// With remembered consent there is no page, so the response is the redirect.
	s.Redeem(c, b.AuthorizeJSON(c).WantStatus(200).Code())

	declined := b.AuthorizeJSON(c, "prompt", "consent").PostJSON("deny").WantStatus(200).WantRedirectError("access_denied")
	if got := declined.JSON(); len(got) != 1 {
		t.Errorf("the response to deny is %v, want only redirect_to", got)
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

// If the user must sign in, the front end gets the URL of the sign-in page. The return
// address works as JSON and as a page.
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
				t.Fatalf("prompt=%s without a sign-in: %d %s, want 401 with sign_in_url and return_to", prompt, a.Status, a.Body)
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
			t.Errorf("a decision after signing out: %d %s, want 401 with sign_in_url", a.Status, a.Body)
		}
	})
}

// Errors have the same texts as on the page. If the client may get the error, the
// response also has the redirect.
func TestAuthorizeJSON_Errors(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.AuthorizeJSON(c, "client_id", "unknown").WantJSON(400, `{"error":"invalid_client","error_description":"there is no app with this client_id"}`)
	b.AuthorizeJSON(c, "redirect_uri", "https://evil.example").WantJSON(400, `{"error":"invalid_request","error_description":"redirect_uri is not registered for this app"}`)
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

// A ticket has the same rules as on the page (RFC 6749 §10.12): this browser, this
// account, this request, ten minutes, one decision.
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
				t.Errorf("a ticket in %s: %d %s, want 409 with a new ticket", name, a.Status, a.Body)
			}
		}
		b.SignIn("alice")
		code := page.PostJSON("allow").Code()
		if again := page.PostJSON("allow").Code(); again != code {
			t.Errorf("a second click gets the code %s, want the first code, %s", again, code)
		}
		page.PostJSON("deny").WantJSON(409, `{"message":"You already allowed this request. To undo that, remove the app's access."}`)
		s.Redeem(c, code)
		page.PostJSON("allow").WantJSON(409, `{"message":"You already allowed this request, and the app has its response."}`)

		page = b.AuthorizeJSON(c, "prompt", "consent")
		time.Sleep(10 * time.Minute)
		page.PostJSON("allow").WantJSON(400, `{"error":"invalid_request","error_description":"this page has expired. Go back to the app and start again"}`)
		if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 1 || given[0].User != testkit.Ref("alice") {
			t.Errorf("ConsentGiven events = %+v, want one for alice", given)
		}
	})
}

// Of concurrent decisions to allow and to deny, one wins.
func TestAuthorizeJSON_AZ_27_OneDecisionWins(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	for range 20 {
		page := b.AuthorizeJSON(c, "prompt", "consent")
		responses := make([]*testkit.Response, 4)
		var wg sync.WaitGroup
		for i, decision := range []string{"allow", "deny", "allow", "deny"} {
			r := b.Request("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": decision})
			for _, cookie := range b.Jar.Cookies(b.Origin()) {
				r.AddCookie(cookie)
			}
			wg.Go(func() { responses[i] = s.Do(r) })
		}
		wg.Wait()
		codes, declined := map[string]bool{}, 0
		for _, a := range responses {
			to, _ := url.Parse(a.Target())
			if code := to.Query().Get("code"); code != "" {
				codes[code] = true
			}
			if to.Query().Get("error") == "access_denied" {
				declined++
			}
		}
		if len(codes)+min(declined, 1) != 1 {
			t.Fatalf("%d codes and %d times access_denied, want one code or access_denied: %v", len(codes), declined, responses)
		}
	}
}

// No other origin can read a ticket or send a decision: there is no CORS, the origin of
// scripts is checked, and the JSON cannot be loaded as another type.
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
				b.Send(r).WantJSONError(403, "access_denied") // Send also checks for CORS headers
			}
			r := b.Request("GET", "/oauth/authorize?"+c.Request().Encode())
			maps.Copy(r.Header, header)
			a := b.Send(r).WantJSONError(403, "access_denied") // no ticket and no code, even if the application adds CORS to its routes
			if a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: the response to a GET has the headers %v", name, a.Header)
			}
		}
		r := b.Request("OPTIONS", "/oauth/authorize")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type")
		if a := b.Send(r); a.Status != http.StatusMethodNotAllowed {
			t.Errorf("OPTIONS = %s, want 405", a)
		}
		page.PostJSON("allow").Code()
	}
}

// A malformed decision changes nothing.
func TestAuthorizeJSON_MalformedDecisions(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.AuthorizeJSON(c)
	ticket, _ := json.Marshal(page.Ticket())
	for body, want := range map[string]string{
		`{"ticket":` + string(ticket) + `}`:                      "decision must be allow or deny",
		`{"ticket":` + string(ticket) + `,"decision":null}`:      "decision must be allow or deny",
		`{"ticket":` + string(ticket) + `,"decision":"ALLOW"}`:   "decision must be allow or deny",
		`{"decision":"allow"}`:                                   "decision must be allow or deny",
		`{"Ticket":` + string(ticket) + `,"decision":"allow"}`:   "decision must be allow or deny",
		`{"ticket":["x"],"decision":"allow"}`:                    "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":true}`:      "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":"allow"`:    "the request is not properly encoded",
		`{"ticket":` + string(ticket) + `,"decision":"allow"}{}`: "the request is not properly encoded",
		`{"ticket":"` + "\xff" + `","decision":"allow"}`:         "the request is not properly encoded",
		``:                                  "decision must be allow or deny",
		`[]`:                                "decision must be allow or deny",
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
		t.Fatalf("ConsentGiven events = %+v, want none", given)
	}
	page.PostJSON("allow").Code()
}

// A browser that accepts HTML gets a page. A script that sends JSON and accepts
// anything gets JSON.
func TestAuthorizeJSON_AcceptHeader(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.SkipConsent = func(context.Context, *oauth.Client, *passport.User) bool { return true }
	})
	c, b := s.Web(), s.Browser().SignIn("alice")
	if a := b.Authorize(c); a.Status != http.StatusSeeOther {
		t.Errorf("the response to a browser is %s, want a redirect", a)
	}
	s.Redeem(c, b.AuthorizeJSON(c).WantStatus(200).Code())
	for accept, asJSON := range map[string]bool{"*/*": true, "": true, "text/html": false, "text/html,application/json": false} {
		page := b.AuthorizeJSON(c, "prompt", "consent")
		r := b.Request("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": "allow"})
		r.Header.Set("Accept", accept)
		if a := b.Send(r); (a.Header.Get("Content-Type") == "application/json") != asJSON || a.Code() == "" {
			t.Errorf("Accept %q, sending JSON: %s, want JSON: %v", accept, a, asJSON)
		}
	}
}

// The implicit grant's response goes to a script as to a browser: in the fragment, once.
func TestAuthorizeJSON_ImplicitGrant(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) { c.EnableImplicitGrant = true })
	c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, GrantTypes: []string{"implicit"}})
	page := s.Browser().SignIn("alice").AuthorizeJSON(c, "response_type", "token", "code_challenge", "", "code_challenge_method", "")
	to := page.PostJSON("allow").WantStatus(200).Target()
	if !strings.HasPrefix(to, "https://app.example.com/cb#") || !strings.Contains(to, "access_token=") {
		t.Errorf("redirect_to = %s, want a token in the fragment", to)
	}
	page.PostJSON("allow").WantJSON(409, `{"message":"You already allowed this request, and the app has its response."}`)
}
