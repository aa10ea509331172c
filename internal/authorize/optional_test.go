package authorize_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// withOptional makes the scopes write and admin optional, and leaves read required.
func withOptional(c *passport.Config) {
	c.Scopes = []passport.Scope{
		{ID: "read", Description: "Read your orders"}, {ID: "write", Description: "Place orders for you", Optional: true, CanChange: true},
		{ID: "admin", Description: "Administer the shop", Optional: true},
	}
}

// granted redeems a response, and fails the test unless the tokens have these scopes.
func granted(t *testing.T, s *testkit.Server, c *testkit.Client, a *testkit.Response, want string) *testkit.Tokens {
	t.Helper()
	got := s.Redeem(c, a.Code())
	if got.Scope != want {
		t.Errorf("scope = %q, want %q", got.Scope, want)
	}
	return got
}

// choices fails the test unless a response is a consent page with these checkboxes. A
// ticked one has a + before it.
func choices(t *testing.T, page *testkit.Response, want string) *testkit.Response {
	t.Helper()
	page.Ticket()
	if got := page.Choices(); got != want {
		t.Errorf("the checkboxes of the page are %q, want %q", got, want)
	}
	return page
}

// A user ticks optional scopes. What the user declined is remembered without a page,
// until prompt=consent. The response says what was granted.
func TestOptional_PA_1_TickedScopesAreGranted(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := choices(t, b.Authorize(c, "scope", "read write admin"), "write admin")
	if want := "It will be able to Read your orders You can also allow Place orders for you can change Administer the shop You’ll return to"; !strings.Contains(page.String(), want) {
		t.Errorf("the page is %s, want %s", page, want)
	}
	tokens := granted(t, s, c, page.AllowOnly("write"), "read write")
	if got := strings.Fields(testkit.AsText(testkit.ClaimsOf(t, tokens.Access)["scope"])); !slices.Equal(got, []string{"read", "write"}) {
		t.Errorf("the scope claim is %q", got)
	}
	refreshed := s.Refresh(c, tokens.Refresh)
	if got := refreshed.WantStatus(200).JSON()["scope"]; got != "read write" {
		t.Errorf("scope after a refresh = %v, want read write", got)
	}
	s.Refresh(c, testkit.AsText(refreshed.JSON()["refresh_token"]), "scope", "admin").WantJSONError(400, "invalid_scope")
	given := testkit.EventsOf[passport.ConsentGiven](s)
	if len(given) != 1 || !slices.Equal(given[0].Scopes, []string{"read", "write"}) || !slices.Equal(given[0].Declined, []string{"admin"}) {
		t.Errorf("ConsentGiven events = %+v, want one with read and write, and admin declined", given)
	}

	granted(t, s, c, b.Authorize(c, "scope", "read write admin"), "read write")
	granted(t, s, c, b.Authorize(c, "scope", "read admin", "prompt", "none"), "read")
	granted(t, s, c, b.Authorize(c, "scope", "admin"), "")
	page = choices(t, b.Authorize(c, "scope", "read write admin", "prompt", "consent"), "+write admin")
	granted(t, s, c, page.AllowOnly("admin"), "read admin")
	granted(t, s, c, b.Authorize(c, "scope", "read write admin"), "read admin")
	granted(t, s, c, b.Authorize(c, "scope", "write"), "")
	choices(t, s.Browser().SignIn("bob").Authorize(c, "scope", "read write"), "write")
	choices(t, b.Authorize(s.Web(), "scope", "read write"), "write")
}

// A new required scope shows the page. There the optional ones are as the user left
// them. Cancel changes nothing.
func TestOptional_PA_1_NewRequiredScope(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "write admin").AllowOnly("admin").Code()
	b.Authorize(c, "scope", "read write admin", "prompt", "none").WantRedirectError("consent_required")
	page := choices(t, b.Authorize(c, "scope", "read write admin"), "write +admin")
	page.Deny().WantRedirectError("access_denied")
	granted(t, s, c, b.Authorize(c, "scope", "write admin"), "admin")
	granted(t, s, c, b.Authorize(c, "scope", "read write admin").Allow(), "read admin")
	granted(t, s, c, b.Authorize(c, "scope", "read write admin"), "read admin")
}

// Without any scope the app learns who the user is, as after a request without scopes.
// Default scopes don't bring back what the user declined.
func TestOptional_PA_1_NothingTicked(t *testing.T) {
	s := testkit.NewServer(t, withOptional, func(c *passport.Config) { c.DefaultScopes = []string{"write"} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := choices(t, b.Authorize(c, "scope", ""), "write")
	if want := "Choose what it can do If you choose nothing, it only learns who you are."; !strings.Contains(page.String(), want) {
		t.Errorf("the page is %s, want %s", page, want)
	}
	tokens := granted(t, s, c, page.Allow(), "")
	if got := s.Refresh(c, tokens.Refresh).WantStatus(200).JSON()["scope"]; got != "" {
		t.Errorf("scope after a refresh = %v, want none", got)
	}
	for _, scope := range []string{"", "write"} {
		granted(t, s, c, b.Authorize(c, "scope", scope), "")
		granted(t, s, c, b.Authorize(c, "scope", scope, "prompt", "none"), "")
	}
	if apps, err := s.ConnectedApps(t.Context(), testkit.Ref("alice")); err != nil || len(apps) != 1 || len(apps[0].Scopes) != 0 {
		t.Errorf("ConnectedApps() = %+v, %v, want the app without scopes", apps, err)
	}
	granted(t, s, c, b.Authorize(c, "prompt", "consent", "scope", "").AllowOnly("write"), "write")
	granted(t, s, c, b.Authorize(c, "scope", ""), "write")

	// A scope that was the only one is declined later. The app still knows the user.
	granted(t, s, c, b.Authorize(c, "prompt", "consent", "scope", "write").AllowOnly(), "")
	granted(t, s, c, b.Authorize(c, "scope", "write"), "")
	if apps, err := s.ConnectedApps(t.Context(), testkit.Ref("alice")); err != nil || len(apps) != 1 {
		t.Errorf("ConnectedApps() = %+v, %v, want the app", apps, err)
	}
}

// The page and the decision cover the same scopes.
func TestOptional_PA_1_DecisionIsBoundToThePage(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "read write")
	for _, scope := range []string{"admin", "other", "*", "", "Write", "write ", "write admin"} {
		page.AllowOnly("write", scope).WantPage(400, "scope_granted has a scope that is not on the page")
	}
	for _, name := range []string{"scope_granted[]", "scope_granted[0]"} { // as PHP and axios write an array
		b.Post("/oauth/authorize", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}, name: {"write"}}).WantPage(400, name+" is an array: parameters are plain strings")
	}
	page.AllowOnly(slices.Repeat([]string{"x"}, 2000)...).WantPage(400)
	granted(t, s, c, page.AllowOnly("write", "write", "read"), "read write") // a required scope needs no tick

	// In the query it does not count.
	page = b.Authorize(c, "scope", "read admin", "prompt", "consent")
	form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}}
	granted(t, s, c, b.Post("/oauth/authorize?scope_granted=admin", form), "read")
	// Cancel is Cancel, whatever is ticked.
	form.Set("ticket", b.Authorize(c, "scope", "read admin", "prompt", "consent").Ticket())
	form.Set("decision", "deny")
	form.Set("scope_granted", "admin")
	b.Post("/oauth/authorize", form).WantRedirectError("access_denied")
	granted(t, s, c, b.Authorize(c, "scope", "read admin"), "read")

	// If a scope becomes required or optional while the page is open, it is shown again.
	page = b.Authorize(c, "scope", "read write", "prompt", "consent")
	form = url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}, "scope_granted": {"write"}}
	all := s.Restart(func(c *passport.Config) { c.Scopes = slices.Clone(c.Scopes); c.Scopes[0].Optional = true })
	choices(t, b.At(all).Post("/oauth/authorize", form).WantPageAnew(page), "+read +write")
	none := s.Restart(func(c *passport.Config) { c.Scopes = slices.Clone(c.Scopes); c.Scopes[1].Optional = false })
	choices(t, b.At(none).Post("/oauth/authorize", form).WantPageAnew(page), "")
	page.Allow().Code()
}

// A second click with other ticks gets the code of the first.
func TestOptional_PA_1_AZ_27_FirstDecisionCounts(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "read write admin")
	first := page.AllowOnly("admin")
	for _, other := range []*testkit.Response{page.AllowOnly("write"), page.AllowOnly(), page.AllowOnly("write", "admin")} {
		if other.Code() != first.Code() {
			t.Error("a second click with other ticks gets a different code")
		}
	}
	page.Deny().WantPage(409, "You already allowed this request")
	granted(t, s, c, first, "read admin")
	granted(t, s, c, b.Authorize(c, "scope", "read write admin"), "read admin")
	if given := testkit.EventsOf[passport.ConsentGiven](s); len(given) != 1 {
		t.Errorf("%d ConsentGiven events, want 1", len(given))
	}
}

// Of concurrent decisions with different ticks, one wins. Its scopes are those of the
// token, and those that are remembered.
func TestOptional_PA_1_AZ_27_DecisionsAtOnce(t *testing.T) {
	s := testkit.NewServer(t, withOptional, audited)
	for range 5 {
		c, b := s.Web(), s.Browser().SignIn("alice")
		page := b.Authorize(c, "scope", "read write admin")
		ticks := [][]string{{}, {"write"}, {"admin"}, {"write", "admin"}}
		var requests []*http.Request
		for i := range rivals {
			form := url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}, "scope_granted": ticks[i%len(ticks)]}
			requests = append(requests, b.WithCookies(b.NewRequest("POST", "/oauth/authorize", form.Encode(), http.Header{"Origin": {testkit.Issuer}})))
		}
		before, codes := s.Issued(), map[string]bool{}
		for _, a := range s.AtOnce(b, requests) {
			codes[a.Code()] = true
		}
		if len(codes) != 1 || s.Issued() != before+1 {
			t.Fatalf("%d clicks got %d codes, and %d were stored; want 1", rivals, len(codes), s.Issued()-before)
		}
		for code := range codes {
			got := s.Redeem(c, code)
			granted(t, s, c, b.Authorize(c, "scope", "read write admin"), got.Scope)
		}
	}
}

// What forgets a declined scope: removing the app, a client that looks different, and
// nothing else.
func TestOptional_PA_1_WhatForgetsADeclinedScope(t *testing.T) {
	for name, end := range map[string]struct {
		forgets bool
		do      func(s *testkit.Server, c *testkit.Client, tokens *testkit.Tokens)
	}{
		"Withdraw": {true, func(s *testkit.Server, c *testkit.Client, _ *testkit.Tokens) {
			s.Works(s.Withdraw(s.T.Context(), testkit.Ref("alice"), c.ID))
		}},
		"WithdrawAll": {true, func(s *testkit.Server, _ *testkit.Client, _ *testkit.Tokens) {
			_, err := s.WithdrawAll(s.T.Context(), testkit.Ref("alice"))
			s.Works(err)
		}},
		"Disconnect": {true, func(s *testkit.Server, _ *testkit.Client, tokens *testkit.Tokens) {
			_, _, err := s.Store.Disconnect(s.T.Context(), &oauth.Disconnection{User: testkit.Ref("alice"), TokenID: s.IDOf(tokens.Access), Time: time.Now()})
			s.Works(err)
		}},
		"another name of the client": {true, func(s *testkit.Server, c *testkit.Client, _ *testkit.Tokens) {
			s.Change(c, func(stored *oauth.Client) { stored.Name += " 2" })
		}},
		"RevokeUserAtClient": {false, func(s *testkit.Server, c *testkit.Client, _ *testkit.Tokens) {
			s.Works(s.RevokeUserAtClient(s.T.Context(), testkit.Ref("alice"), c.ID))
		}},
		"a purge": {false, func(s *testkit.Server, _ *testkit.Client, _ *testkit.Tokens) {
			_, err := s.Purge(s.T.Context(), oauth.EndedBefore(time.Now().Add(2*365*24*time.Hour)))
			s.Works(err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := testkit.NewServer(t, withOptional)
			c, b := s.Web(), s.Browser().SignIn("alice")
			tokens := granted(t, s, c, b.Authorize(c, "scope", "read write").AllowOnly(), "read")
			time.Sleep(time.Millisecond)
			end.do(s, c, tokens)
			time.Sleep(time.Millisecond)
			if a := b.Authorize(c, "scope", "read write"); end.forgets {
				choices(t, a, "write")
			} else {
				granted(t, s, c, a, "read")
			}
		})
	}
}

// An app of the device always sees the page. There the scopes are as the user left them.
func TestOptional_PA_1_NativeAppsAlwaysAsk(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Native(), s.Browser().SignIn("alice")
	granted(t, s, c, choices(t, b.Authorize(c, "scope", "read write admin"), "write admin").AllowOnly("admin"), "read admin")
	granted(t, s, c, choices(t, b.Authorize(c, "scope", "read write admin"), "write +admin").Allow(), "read admin")
}

// SkipConsent grants optional scopes too, except those that the user has declined.
func TestOptional_PA_1_SkipConsent(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	b.Authorize(c, "scope", "read admin").AllowOnly().Code()
	skips := s.Restart(skipConsent)
	granted(t, skips, c, b.At(skips).Authorize(c, "scope", "read write admin"), "read write")
	granted(t, skips, c, skips.Browser().SignIn("bob").Authorize(c, "scope", "read write admin"), "read write admin")
}

// Each audience has its own decision. A scope that is declined at one audience is asked
// for together with another.
func TestOptional_PA_1_Audiences(t *testing.T) {
	const api, other = "https://api.example.com", "https://other.example.com"
	s := testkit.NewServer(t, withOptional, func(c *passport.Config) { c.Resources = []string{api, other} })
	c, b := s.Web(), s.Browser().SignIn("alice")
	at := func(page string, resources ...string) *testkit.Response {
		query := c.Request("scope", "read write", "prompt", page)
		query["resource"] = resources
		return b.Get("/oauth/authorize?" + query.Encode())
	}
	choices(t, at("", api), "write").AllowOnly().Code()
	at("", api).Code()
	choices(t, at(""), "write").AllowOnly("write").Code()
	choices(t, at("", other, api), "write").AllowOnly().Code()
	at("", other, api).Code()
	at("", other).Code()
	choices(t, at("consent", other), "write").AllowOnly("write").Code()
	at("", other, api).Code() // declined at one of them
	choices(t, at("consent", other, api), "write").AllowOnly("write").Code()
	choices(t, at("consent", api), "+write")
	choices(t, at("consent"), "+write")
}

// A token in the fragment has the granted scopes.
func TestOptional_PA_1_Implicit(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithImplicit, withOptional)
	c, b := s.Board(passport.Registration{}), s.Browser().SignIn("alice")
	page := choices(t, b.AuthorizeToken(c, "scope", "read write admin"), "write admin")
	a := page.AllowOnly("write")
	if got := a.Fragment().Get("scope"); got != "read write" || !slices.Equal(s.Row(a.Token()).Scopes, []string{"read", "write"}) {
		t.Errorf("scope = %q, of a token with %q; want read write", got, s.Row(a.Token()).Scopes)
	}
	page.AllowOnly("admin").WantPage(409, "You already allowed this request")
	if got := b.AuthorizeToken(c, "scope", "write admin").Fragment().Get("scope"); got != "write" {
		t.Errorf("scope with remembered consent = %q, want write", got)
	}
	b.AuthorizeToken(c, "scope", "admin").Token()
}

// A script gets the same data, and sends the same decision.
func TestOptional_PA_1_C9_JSON(t *testing.T) {
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.AuthorizeJSON(c, "scope", "read write admin")
	for _, want := range []string{
		`{"id":"read","description":"Read your orders","granted":false,"group":"","can_change":false,"sensitive":false,"optional":false}`,
		`{"id":"write","description":"Place orders for you","granted":false,"group":"","can_change":true,"sensitive":false,"optional":true}`,
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the data is %s, want %s in it", page.Body, want)
		}
	}
	send := func(page *testkit.Response, scopes any) *testkit.Response {
		t.Helper()
		return b.AsksJSON("POST", "/oauth/authorize", map[string]any{"ticket": page.Ticket(), "decision": "allow", "scope_granted": scopes})
	}
	for _, bad := range []any{"write", 1, []any{1}, map[string]any{"write": true}, true} {
		send(page, bad).WantJSONError(400, "invalid_request")
	}
	send(page, []string{"other"}).WantJSONError(400, "invalid_request")
	granted(t, s, c, send(page, []string{"admin"}), "read admin")
	again := b.AuthorizeJSON(c, "scope", "read write admin", "prompt", "consent")
	if want := `{"id":"admin","description":"Administer the shop","granted":true,`; !strings.Contains(again.Body, want) {
		t.Errorf("the data is %s, want %s in it", again.Body, want)
	}
	granted(t, s, c, send(again, nil), "read") // a script that knows no optional scopes
	granted(t, s, c, b.AuthorizeJSON(c, "scope", "read write admin"), "read")
}

// A custom page that was written before there were optional scopes grants none.
func TestOptional_PA_1_ViewWithoutCheckboxes(t *testing.T) {
	config := testkit.NewServer(t, withOptional).Config
	config.Views = viewsOf(map[string]string{"consent.html": shopConsent})
	want := `consent.html: the page lacks {{range .Optional}}<input type="checkbox" name="scope_granted" value="{{.ID}}"{{if .Granted}} checked{{end}}>`
	if _, err := passport.New(config); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("New() = %v, want %s", err, want)
	}
	with := func(input string) error {
		config.Views = viewsOf(map[string]string{"consent.html": strings.Replace(shopConsent, "</form>", input+"</form>", 1)})
		_, err := passport.New(config)
		return err
	}
	const box = `<input type=checkbox name=scope_granted value="{{.ID}}">`
	if err := with("{{range .Optional}}" + box + "{{end}}"); err != nil {
		t.Errorf("New() with a checkbox = %v, want no error", err)
	}
	for input, want := range map[string]string{
		"{{range .Scopes}}" + box + "{{end}}":                                              "scope_granted is for optional scopes, because Allow grants the required ones: put it into {{range .Optional}}",
		`{{range .Optional}}<input type=hidden name=scope_granted value="{{.ID}}">{{end}}`: `the page lacks {{range .Optional}}<input type="checkbox"`,
	} {
		if err := with(input); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() with %s = %v, want %s", input, err, want)
		}
	}

	// The check finds it at the start. At run time the ticks alone count.
	s := testkit.NewServer(t, withOptional)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c, "scope", "read write")
	granted(t, s, c, page.DecideWith(page.Ticket(), "allow"), "read")
}

// With InheritScopes a wider scope grants a narrower one. The page says so, and nothing
// grants a declined scope by a wider one without the page.
func TestOptional_PA_1_InheritScopes(t *testing.T) {
	optional := func(ids ...string) func(*passport.Config) {
		return func(c *passport.Config) {
			c.Scopes = slices.Clone(c.Scopes)
			for i, scope := range c.Scopes {
				c.Scopes[i].Optional = slices.Contains(ids, scope.ID)
			}
		}
	}
	t.Run("a required scope includes an optional one", func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithInheritance, optional("orders:read"))
		c, b := s.Web(), s.Browser().SignIn("alice")
		granted(t, s, c, choices(t, b.Authorize(c, "scope", "orders orders:read"), "").Allow(), "orders orders:read")
		choices(t, b.Authorize(c, "scope", "orders:read", "prompt", "consent"), "+orders:read")
	})
	t.Run("both are optional", func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithInheritance, optional("orders", "orders:read"))
		c, b := s.Web(), s.Browser().SignIn("alice")
		page := choices(t, b.Authorize(c, "scope", "orders:read orders"), "orders orders:read")
		if want := "Your orders (includes: See your orders )"; !strings.Contains(page.String(), want) {
			t.Errorf("the page is %s, want %s", page, want)
		}
		granted(t, s, c, page.AllowOnly("orders"), "orders:read orders")
		granted(t, s, c, choices(t, b.Authorize(c, "scope", "orders orders:read", "prompt", "consent"), "+orders +orders:read").AllowOnly("orders:read"), "orders:read")
		granted(t, s, c, b.Authorize(c, "scope", "orders orders:read"), "orders:read")
		granted(t, s, c, b.Authorize(c, "scope", "orders orders:read", "prompt", "consent").AllowOnly(), "")
		granted(t, s, c, b.Authorize(c, "scope", "orders orders:read"), "")
	})
	t.Run("a declined scope below a granted one", func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithInheritance, optional("orders:read"))
		c, b := s.Web(), s.Browser().SignIn("alice")
		granted(t, s, c, b.Authorize(c, "scope", "orders").Allow(), "orders")
		granted(t, s, c, choices(t, b.Authorize(c, "scope", "orders:read", "prompt", "consent"), "+orders:read").AllowOnly(), "")
		granted(t, s, c, b.Authorize(c, "scope", "orders:read"), "")
		for _, scope := range []string{"orders", "orders orders:read"} { // would grant the declined scope
			b.Authorize(c, "scope", scope, "prompt", "none").WantRedirectError("consent_required")
			skips := s.Restart(skipConsent)
			b.At(skips).Authorize(c, "scope", scope).Ticket()
		}
		b.Authorize(c, "scope", "orders:read:own", "prompt", "none").WantRedirectError("consent_required")
		granted(t, s, c, b.Authorize(c, "scope", "orders").Allow(), "orders")
		granted(t, s, c, b.Authorize(c, "scope", "orders"), "orders")
		granted(t, s, c, b.Authorize(c, "scope", "orders:read"), "orders:read")
	})
	t.Run("without InheritScopes", func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithShopScopes, optional("orders:read"))
		c, b := s.Web(), s.Browser().SignIn("alice")
		granted(t, s, c, choices(t, b.Authorize(c, "scope", "orders orders:read"), "orders:read").AllowOnly(), "orders")
		granted(t, s, c, b.Authorize(c, "scope", "orders orders:read"), "orders")
	})
}

// Many optional groups are folded, but not those with a ticked scope: the user sees what
// is ticked.
func TestOptional_PA_1_PG_15_Folded(t *testing.T) {
	s := testkit.NewServer(t, func(c *passport.Config) {
		c.Scopes = nil
		for i := range 10 {
			c.Scopes = append(c.Scopes, passport.Scope{ID: fmt.Sprintf("g%d:s%d", i%5, i), Description: fmt.Sprintf("Scope %d", i), Optional: true})
		}
	})
	c, b := s.Web(), s.Browser().SignIn("alice")
	ids := strings.Join(s.ScopeIDs(), " ")
	b.Authorize(c, "scope", ids).AllowOnly("g1:s6").Code()
	page := b.Authorize(c, "scope", ids, "prompt", "consent")
	if folded, open := strings.Count(page.Body, `<details class="group">`), strings.Count(page.Body, `<details class="group" open>`); folded != 4 || open != 1 {
		t.Errorf("%d groups are folded and %d open, want 4 and 1, which has a ticked scope", folded, open)
	}
	granted(t, s, c, page.Allow(), "g1:s6")
}

// A declined scope ends with its consent: nothing is remembered after the sign-out of
// another account or in another browser, and a reload repeats the same code.
func TestOptional_PA_1_AppOnTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, withOptional)
		c := s.Register(passport.Registration{AuthMethod: oauth.AuthNone, RedirectURIs: []string{"com.example.app:/cb"}})
		b := s.Browser().SignIn("alice")
		page := b.Authorize(c, "scope", "read write")
		code := page.AllowOnly("write").Code()
		page.AllowOnly().WantPage(200, "You’re done")
		b.Authorize(c, "scope", "read write").WantPage(200, "You’re done")
		if got := s.Redeem(c, code); got.Scope != "read write" {
			t.Errorf("scope = %q, want read write", got.Scope)
		}
	})
}

// A user who allows a device chooses optional scopes as well. The user is always asked,
// so nothing is remembered.
func TestOptional_PA_1_Devices(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithDevices, withOptional)
	b := s.Browser().SignIn("alice")
	for _, tick := range [][]string{{"admin"}, {}, {"write", "admin"}} {
		d := begin(s, s.DeviceClient("Living Room TV"), "scope", "read write admin")
		page := choices(t, enter(b, d.userCode), "write admin")
		page.AllowOnly("other").WantPage(400, "scope_granted has a scope that is not on the page")
		page.AllowOnly(tick...).WantPage(200)
		want := strings.Join(append([]string{"read"}, tick...), " ")
		if got := d.poll().WantStatus(200).JSON()["scope"]; got != want {
			t.Errorf("scope = %v, want %q", got, want)
		}
	}
	d := begin(s, s.DeviceClient("Living Room TV"), "scope", "write")
	enter(b, d.userCode).AllowOnly().WantPage(200)
	if got := d.poll().WantStatus(200).JSON()["scope"]; got != "" {
		t.Errorf("scope of a device for which nothing was ticked = %v, want none", got)
	}
}
