package dashboard_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/dashboard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const (
	tokensPage = "/account/tokens"
	newToken   = "/account/tokens/new"
)

var (
	once   = regexp.MustCompile(`name="once" value="([^"]+)"`)
	issued = regexp.MustCompile(`passport_pat_[A-Z2-7]{59}`)
)

// send fills in the form of a new token and sends it.
func (v *visitor) sendToken(pairs ...string) *testkit.Response {
	v.T.Helper()
	form := v.get(newToken)
	shows(v.T, form, 200, "New token")
	return v.post(newToken, append([]string{"once", testkit.First(once, form.Body), "name", "Backup", "scope", "read", "expiry", "30"}, pairs...)...)
}

// create returns the text of a new token.
func (v *visitor) create(pairs ...string) string {
	v.T.Helper()
	done := v.sendToken(pairs...)
	shows(v.T, done, 200, "Your new token", "It isn’t shown again.")
	return issued.FindString(done.Body)
}

func (s *site) tokensOf(id string) (names []string) {
	s.T.Helper()
	all, err := s.PersonalTokens(s.T.Context(), testkit.Ref(id))
	if err != nil {
		s.T.Fatal(err)
	}
	for _, t := range all {
		names = append(names, t.Name)
	}
	return names
}

// A user creates a token, which is shown once, uses it and revokes it.
func TestTokens_PA_4_CreateAndRevoke(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	shows(t, alice.get(tokensPage), 200, "Personal access tokens", "Name of alice", "You have no tokens.", "New token", "Apps Tokens")
	form := alice.get(newToken)
	shows(t, form, 200, "What may it do?", "Read your orders", "in 7 days", "in 30 days", "in 60 days", "in 90 days", "on a date", "At most 365 days, until "+time.Now().AddDate(0, 0, 365).Format("January 2, 2006"))
	if !strings.Contains(form.Body, `value="30" checked`) {
		t.Errorf("the form has no default lifetime: %s", form.Body)
	}
	value := testkit.First(once, form.Body)
	send := func() *testkit.Response {
		return alice.post(newToken, "once", value, "name", "  Backup ", "scope", "read", "expiry", "7")
	}
	done := send()
	shows(t, done, 200, "Your new token", "Backup", "Copy the token now.", "Read your orders", "Expires on "+time.Now().AddDate(0, 0, 7).Format("January 2, 2006"))
	token := issued.FindString(done.Body)
	if !strings.Contains(done.Body, `spellcheck="false">`+token+`</textarea>`) || !strings.Contains(words(done.Body), `curl -H "Authorization: Bearer `+token+`" https://auth.example.com`) {
		t.Errorf("the page lacks the token in a field, or in a curl line: %s", done.Body)
	}
	if got := s.api(token); got != 200 {
		t.Errorf("the API responds with %d to the token, want 200", got)
	}

	again := send() // a reload of the page
	shows(t, again, 200, "This form was sent before.", "Backup")
	list := alice.get(tokensPage)
	shows(t, list, 200, "Backup", "passport_pat_…"+token[len(token)-4:], "Read your orders", "Created on", "Expires on", "Revoke Backup", "1 of at most 1000 tokens work.")
	for what, page := range map[string]*testkit.Response{"a reload": again, "the list": list} {
		if issued.MatchString(page.Body) {
			t.Errorf("%s shows the token again: %s", what, page.Body)
		}
	}
	if names := s.tokensOf("alice"); len(names) != 1 || names[0] != "Backup" {
		t.Fatalf("alice has the tokens %q, want one", names)
	}

	all, _ := s.PersonalTokens(t.Context(), testkit.Ref("alice"))
	id := all[0].ID
	bob := s.visitor("bob")
	shows(t, bob.get(tokensPage), 200, "You have no tokens.")
	shows(t, bob.get("/account/tokens/revoke?token_id="+id), 404, "That token was revoked already, or it isn’t yours.")
	shows(t, bob.post("/account/tokens/revoke", "token_id", id), 200, "it isn’t yours")
	asked := alice.get("/account/tokens/revoke?token_id=" + id)
	shows(t, asked, 200, "Revoke Backup ?", "stop working at once")
	if s.api(token) != 200 {
		t.Fatal("another user, or a question, revoked the token")
	}
	shows(t, alice.post("/account/tokens/revoke", "token_id", id), 200, "The token Backup was revoked.", "You have no tokens.")
	shows(t, alice.post("/account/tokens/revoke", "token_id", id), 200, "revoked already")
	if got := s.api(token); got != 401 {
		t.Errorf("the API responds with %d after the token was revoked, want 401", got)
	}
	s.WantLog("personal access token created", "personal access token revoked")
}

// What is wrong is beside its field, and what was typed stays.
func TestTokens_PA_4_Faults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.PersonalTokenTTL = 45 * 24 * time.Hour })
		alice := s.visitor("alice")
		form := alice.get(newToken)
		shows(t, form, 200, "in 7 days", "in 30 days", "At most 45 days")
		hides(t, form, "in 60 days", "in 90 days")
		date := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }
		for name, tt := range map[string]struct {
			pairs []string
			text  string
		}{
			"no name":                     {[]string{"name", " "}, "Enter a name"},
			"a long name":                 {[]string{"name", strings.Repeat("x", 192)}, "Use at most 191 characters."},
			"a name of many bytes":        {[]string{"name", strings.Repeat("名", 86)}, "Use a shorter name."},
			"a hidden character":          {[]string{"name", "a\u202eb"}, "Use letters, digits and punctuation only."},
			"an unknown scope":            {[]string{"scope", "everything"}, "One of these scopes isn’t available."},
			"all scopes":                  {[]string{"scope", "*"}, "One of these scopes isn’t available."},
			"no lifetime":                 {[]string{"expiry", ""}, "Choose when the token expires."},
			"a lifetime of ours":          {[]string{"expiry", "31"}, "Choose when the token expires."},
			"a lifetime that is too long": {[]string{"expiry", "90"}, "Choose when the token expires."},
			"no date":                     {[]string{"expiry", "date", "date", ""}, "Enter a date, such as "},
			"not a date":                  {[]string{"expiry", "date", "date", "tomorrow"}, "Enter a date, such as "},
			"today":                       {[]string{"expiry", "date", "date", date(0)}, "Choose a date after today."},
			"a late date":                 {[]string{"expiry", "date", "date", date(46)}, "Choose a date until "},
		} {
			a := alice.sendToken(tt.pairs...)
			shows(t, a, 422, tt.text)
			if n := strings.Count(a.Body, `role="alert"`); n != 1 {
				t.Errorf("%s: the page has %d faults, want one: %s", name, n, a.Body)
			}
			if tt.pairs[0] != "name" && !strings.Contains(a.Body, `value="Backup"`) || tt.pairs[0] != "scope" && !strings.Contains(a.Body, `value="read" checked`) {
				t.Errorf("%s: the form lost what was typed: %s", name, a.Body)
			}
		}
		if names := s.tokensOf("alice"); len(names) != 0 {
			t.Errorf("faulty forms created the tokens %q", names)
		}
		shows(t, alice.sendToken("expiry", "date", "date", date(45)), 200, "Your new token", "Expires on "+time.Now().AddDate(0, 0, 45).Format("January 2, 2006"))
	})
}

// A preset is a number of times 24 hours, as the limit is: a day on which clocks go back is
// longer.
func TestTokens_PA_4_PresetsAcrossAClockChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sydney, err := time.LoadLocation("Australia/Sydney") // clocks go back in March
		if err != nil {
			t.Fatal(err)
		}
		defer func(before *time.Location) { time.Local = before }(time.Local)
		time.Local = sydney
		s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.PersonalTokenTTL = 90 * 24 * time.Hour })
		s.visitor("alice").create("expiry", "90")
	})
}

// A link can fill in the form. It never creates a token.
func TestTokens_PA_4_Prefilled(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	for _, query := range []string{"?name=CI+job&scopes=read+unknown", "?name=CI%20job&scopes=read,unknown"} {
		v := s.visitor("")
		away := v.get(newToken + query) // also without a signed-in user
		v.SignIn("alice")
		form := v.get(away.ReturnTo())
		shows(t, form, 200, "A link filled in this form.")
		if !strings.Contains(form.Body, `value="CI job"`) || !strings.Contains(form.Body, `value="read" checked`) || strings.Contains(form.Body, "unknown") {
			t.Errorf("%s fills in %s", query, form.Body)
		}
	}
	if names := s.tokensOf("alice"); len(names) != 0 {
		t.Errorf("a link created the tokens %q", names)
	}
}

// To create a token, the user must have authenticated recently. The form returns filled
// A sign-in does not count for another page, and a form that was open for long is not
// Of many submissions of one form at once, one creates a token.
func TestTokens_PA_4_F5_OneFormOneToken(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	value := testkit.First(once, alice.get(newToken).Body)
	shown := 0
	for _, a := range testkit.Parallel(8, func() *testkit.Response {
		return alice.post(newToken, "once", value, "name", "Backup", "scope", "read", "expiry", "30")
	}) {
		if issued.MatchString(a.Body) {
			shown++
		}
	}
	if names := s.tokensOf("alice"); shown != 1 || len(names) != 1 {
		t.Errorf("8 submissions of one form show %d tokens and create %q, want one", shown, names)
	}
	if _, err := s.CreatePersonalToken(t.Context(), passport.PersonalToken{User: testkit.Ref("bob"), Name: "Backup", Once: value}); err != nil {
		t.Errorf("the value of alice's form counts for bob, too: %v", err)
	}
}

// A form that one user opened creates no token for another user, who signed in to the
// same browser in another tab.
func TestTokens_PA_4_FormOfAnotherUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{})
		v := s.visitor("alice")
		send := []string{"once", testkit.First(once, v.get(newToken).Body), "name", "Backup of alice", "scope", "read", "expiry", "30"}
		v.SignIn("bob")
		refused := v.post(newToken, send...)
		shows(t, refused, 422, "You signed in with another account, so the form is empty.")
		if names := s.tokensOf("bob"); len(names) != 0 || strings.Contains(refused.Body, "of alice") {
			t.Errorf("the form of alice created the tokens %q of bob, or is shown to bob: %s", names, refused.Body)
		}
		time.Sleep(passport.RecentAuthentication + time.Second)
		away := v.post(newToken, send...)
		v.SignIn("bob")
		if form := v.get(away.ReturnTo()); strings.Contains(form.Body, "of alice") {
			t.Errorf("the form of alice is shown to bob after the sign-in: %s", form.Body)
		}
		v.SignIn("alice")
		shows(t, v.post(newToken, send...), 200, "Your new token", "Backup of alice")
	})
}

// A form of another site creates and revokes nothing.
func TestTokens_PA_4_ForeignForms(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	alice := s.visitor("alice")
	alice.create()
	all, _ := s.PersonalTokens(t.Context(), testkit.Ref("alice"))
	value := testkit.First(once, alice.get(newToken).Body)
	cross := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}
	for path, form := range map[string]url.Values{
		newToken:                 {"once": {value}, "name": {"Evil"}, "expiry": {"30"}},
		"/account/tokens/revoke": {"token_id": {all[0].ID}},
	} {
		shows(t, alice.send(alice.NewRequest("POST", path, form.Encode(), cross)), 403, "This form came from another site", "Nothing was changed.")
	}
	if names := s.tokensOf("alice"); len(names) != 1 || names[0] != "Backup" {
		t.Errorf("after the forms of another site alice has %q, want the token of before", names)
	}
	for _, path := range []string{tokensPage, newToken, "/account/tokens/revoke"} {
		if a := alice.send(alice.NewRequest("DELETE", path, "", nil)); a.Status != 405 {
			t.Errorf("DELETE %s = %d, want 405", path, a.Status)
		}
	}
	repeated := "name=a&name=b&expiry=30&once=" + url.QueryEscape(value)
	if a := alice.send(alice.NewRequest("POST", newToken, repeated, http.Header{"Sec-Fetch-Site": {"same-origin"}})); a.Status != 400 {
		t.Errorf("a repeated field gets %d, want 400", a.Status)
	}
}

// Names and scopes are inert. Groups and marks are those of the consent page.
func TestTokens_PA_4_HostileTexts(t *testing.T) {
	const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`
	s := newSite(t, dashboard.Config{}, func(c *passport.Config) {
		c.Scopes = []passport.Scope{
			{ID: "orders:read", Description: hostile}, {ID: "orders:delete", Description: "Delete orders", CanChange: true, Sensitive: true},
			{ID: "pay", Group: hostile},
		}
	})
	alice := s.visitor("alice")
	form := alice.get(newToken + "?" + url.Values{"name": {hostile}, "scopes": {hostile}}.Encode())
	shows(t, form, 200, "Orders", "Delete orders can change sensitive")
	done := alice.post(newToken, "once", testkit.First(once, form.Body), "name", hostile, "scope", "orders:read", "expiry", "30")
	shows(t, done, 200, "Your new token")
	all, _ := s.PersonalTokens(t.Context(), testkit.Ref("alice"))
	for what, a := range map[string]*testkit.Response{
		"form": form, "result": done, "list": alice.get(tokensPage), "question": alice.get("/account/tokens/revoke?token_id=" + all[0].ID),
		"revoked": alice.post("/account/tokens/revoke", "token_id", all[0].ID),
	} {
		body := testkit.StyleText.ReplaceAllString(a.Body, "")
		if a.Status != 200 || strings.Contains(body, "<script") || strings.Contains(body, "<img") || !strings.Contains(body, html.EscapeString("alert(1)")) {
			t.Errorf("the %s has %d and %s", what, a.Status, body)
		}
	}
	for _, id := range []string{"", "\x00", `"><script>`, strings.Repeat("x", 5000)} {
		shows(t, alice.get("/account/tokens/revoke?"+url.Values{"token_id": {id}}.Encode()), 404, "That token was revoked already")
	}
}

// The list is in pages, the newest token first, and the limit is stated.
func TestTokens_PA_4_PagesAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, dashboard.Config{}, func(c *passport.Config) { c.MaxPersonalTokensPerUser = 45 })
		alice := s.visitor("alice")
		for i := range 44 {
			if _, err := s.CreateToken(t.Context(), testkit.Ref("alice"), fmt.Sprint("Token number ", i), "read"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		first := alice.get(tokensPage)
		shows(t, first, 200, "Token number 43", "Token number 24", "Page 1 of 3", "44 of at most 45 tokens work.")
		hides(t, first, "Token number 23")
		if len(first.Body) > 60_000 {
			t.Errorf("the page has %d bytes, want at most 60,000", len(first.Body))
		}
		shows(t, alice.get(tokensPage+"?page=3"), 200, "Token number 0", "Page 3 of 3")
		open := alice.get(newToken)
		alice.create("name", "The last")
		shows(t, alice.get(tokensPage), 200, "You have 45 of 45 tokens. Revoke one to create another.")
		full := alice.post(newToken, "once", testkit.First(once, open.Body), "name", "One more", "expiry", "30")
		shows(t, full, 422, "You have reached the limit of tokens. Revoke one first.")
		time.Sleep(31 * 24 * time.Hour)
		alice.SignIn("alice")
		shows(t, alice.get(tokensPage), 200, "The last expired", "Expired on", "Delete The last", "44 of at most 45")
	})
}

// Without the page of tokens there is no link to it.
func TestTokens_PA_4_Disabled(t *testing.T) {
	s := newSite(t, dashboard.Config{DisableTokens: true})
	alice := s.visitor("alice")
	list := alice.get("/account")
	shows(t, list, 200, "Connected apps")
	if strings.Contains(list.Body, "okens") {
		t.Errorf("the page links to a page that does not exist: %s", list.Body)
	}
	if a := alice.Serve(s.mux, alice.NewRequest("GET", tokensPage, "", nil)); a.Status != 404 {
		t.Errorf("%s = %d, want 404", tokensPage, a.Status)
	}
}

// The form of a token offers the scopes that personal access tokens may have.
func TestTokens_PA_4_ScopesOfTheClient(t *testing.T) {
	s := newSite(t, dashboard.Config{})
	c, err := s.CreateClient(t.Context(), passport.Registration{Name: "Personal", GrantTypes: []string{"personal_access"}, Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	s = siteOf(t, s.Restart(func(config *passport.Config) {
		config.PersonalAccessClientID, config.PersonalAccessClientSecret = c.Client.ID, c.Secret
	}), dashboard.Config{})
	alice := s.visitor("alice")
	shows(t, alice.get(newToken), 200, "Read your orders")
	hides(t, alice.get(newToken), "Place orders for you")
	shows(t, alice.sendToken("scope", "write"), 422, "One of these scopes isn’t available.")
	if scopes, err := s.PersonalTokenScopes(t.Context(), ""); err != nil || len(scopes) != 1 || scopes[0].ID != "read" {
		t.Errorf("PersonalTokenScopes() = %v, %v, want read", scopes, err)
	}
}

// A failing store shows an error page and creates nothing.
func TestTokens_PA_4_Failures(t *testing.T) {
	store := new(testkit.WatchedStore)
	s := newSite(t, dashboard.Config{}, func(c *passport.Config) { store.Store, c.Store = c.Store, store })
	alice := s.visitor("alice")
	value := testkit.First(once, alice.get(newToken).Body)
	for _, verb := range []string{"PersonalTokens", "UseOnce", "Issue"} {
		store.Failing(verb, fmt.Errorf("away: %w", oauth.ErrUnavailable))
		path := newToken
		a := alice.get(tokensPage)
		if verb != "PersonalTokens" {
			a = alice.post(path, "once", value, "name", "Backup", "expiry", "30")
		}
		shows(t, a, 503, "Please try again in a moment")
	}
	store.Failing("", nil)
	if names := s.tokensOf("alice"); len(names) != 0 {
		t.Errorf("a failing store has the tokens %q", names)
	}
}
