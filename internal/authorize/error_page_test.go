package authorize_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// homeLink is the way out of an error page without a request.
const homeLink = `<a class="button" href="https://auth.example.com/">Go to the home page</a>`

// againLink matches the link that starts a request again.
var againLink = regexp.MustCompile(`<a class="button primary" href="(/oauth/authorize\?[^"]+)">(?:Start|Try) again</a>`)

// again follows the link that starts the request again.
func again(a *testkit.Response) *testkit.Response {
	a.T.Helper()
	link := html.UnescapeString(testkit.First(againLink, a.Body))
	if link == "" {
		a.T.Fatalf("the page has no link to start again: %s", a)
	}
	return a.From.Get(link)
}

// A page that has expired starts the same request again, and says nothing to developers.
func TestAuthorize_PG_07_StartAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, b := s.Web(), s.Browser().SignIn("alice")
		page := b.Authorize(c, "state", "the state & <more>", "scope", "read", "prompt", "consent")
		time.Sleep(10 * time.Minute)
		for _, late := range []*testkit.Response{page.Allow(), page.Deny(), b.Post("/oauth/authorize?state=evil", url.Values{"ticket": {page.Ticket()}, "decision": {"allow"}})} {
			late.WantPage(400, "This page has expired", "You can start again here.")
			late.IsInert("an expired page")
			if strings.Contains(late.Body, "Details for developers") || strings.Contains(late.Body, "invalid_request") || strings.Contains(late.Body, homeLink) {
				t.Errorf("the page of an expired ticket has details for developers, or another exit: %s", late)
			}
			done := again(late).Allow()
			s.Redeem(c, done.Code())
			if state := done.Params().Get("state"); state != "the state & <more>" {
				t.Errorf("the request that starts again has state %q, want that of the first request", state)
			}
			page = b.Authorize(c, "state", "the state & <more>", "scope", "read", "prompt", "consent")
			time.Sleep(10 * time.Minute)
		}
		page.DecideWith("x", "allow").WantPage(400, homeLink)
	})
}

// A stored request of a sign-in that took too long can start again, until it is purged.
func TestAuthorize_PG_07_SignInStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		state := strings.Repeat("s", 3000)
		away := s.Browser().Authorize(s.Web(), "state", state)
		time.Sleep(4 * time.Hour)
		late := away.ComeBack()
		late.WantPage(400, "This page has expired", "You can start again here.")
		if got := again(late).SignIn("alice").Allow().Params().Get("state"); got != state {
			t.Errorf("the request that starts again has state %.20q…, want that of the first request", got)
		}
	})
}

// Every error page has a way out, and folds the words for developers. It never links to
// the request in its own address.
func TestAuthorize_PG_07_EveryErrorPageHasAnExit(t *testing.T) {
	s := testkit.NewServer(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	foreign := map[string][]string{"Origin": {"https://evil.example"}}
	for what, a := range map[string]*testkit.Response{
		"unknown client": b.Authorize(c, "client_id", "unknown"),
		"bad URI":        b.Authorize(c, "redirect_uri", "https://evil.example"),
		"foreign form":   b.Send(b.NewRequest("POST", "/oauth/authorize", "ticket="+page.Ticket()+"&decision=allow", foreign)),
		"bad sign-in":    b.Get("/oauth/authorize?passport_sign_in=x"),
	} {
		if !strings.Contains(a.Body, homeLink) || strings.Count(a.Body, "<a ") != 1 {
			t.Errorf("%s: want the link to the home page and no other: %s", what, a.Body)
		}
		if strings.Contains(a.Body, "<code>") && !strings.Contains(a.Body, "<details>") {
			t.Errorf("%s: the details for developers are not folded: %s", what, a.Body)
		}
	}
	branded := s.Restart(func(c *passport.Config) { c.Brand.HomeURL = "https://shop.example/" })
	b.At(branded).Authorize(c, "client_id", "unknown").WantPage(400, `<a class="button" href="https://shop.example/">Go to the home page</a>`)
}

// While the database is away, a decision can be sent again: its request is known from
// the ticket. A request from the address bar is not offered again.
func TestAuthorize_PG_07_TryAgainAfterAFault(t *testing.T) {
	s, watched := testkit.Watched(t)
	c, b := s.Web(), s.Browser().SignIn("alice")
	page := b.Authorize(c)
	watched.Failing("Client", oauth.ErrUnavailable)
	failed := page.Allow()
	failed.WantPage(503, "Try again")
	b.Authorize(c).WantPage(503, homeLink)
	watched.Failing("Client", nil)
	again(failed).Allow().Code()
}

// A request of a known app whose redirect URI is wrong leads to the home page of the app,
// if the operator registered or verified it.
func TestAuthorize_PG_07_HomePageOfTheApp(t *testing.T) {
	s := testkit.NewServer(t)
	b := s.Browser().SignIn("alice")
	for name, tt := range map[string]struct {
		owner    oauth.UserRef
		metadata oauth.ClientMetadata
		linked   bool
	}{
		"of the operator":              {oauth.UserRef{}, oauth.ClientMetadata{ClientURI: "https://tracker.example/"}, true},
		"without a home page":          {oauth.UserRef{}, oauth.ClientMetadata{}, false},
		"of a user":                    {testkit.Ref("bob"), oauth.ClientMetadata{ClientURI: "https://tracker.example/"}, false},
		"of a user, which is verified": {testkit.Ref("bob"), oauth.ClientMetadata{ClientURI: "https://tracker.example/", Verified: true}, true},
	} {
		c := s.Register(passport.Registration{Name: "Order Tracker", Owner: tt.owner})
		stored, err := s.Client(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateClientMetadata(t.Context(), stored, &tt.metadata, nil); err != nil {
			t.Fatal(err)
		}
		a := b.Authorize(c, "redirect_uri", "https://evil.example")
		const link = `<a class="button" href="https://tracker.example/" rel="noreferrer">Go to <bdi>Order Tracker</bdi></a>`
		if a.WantPage(400); strings.Contains(a.Body, link) != tt.linked || strings.Contains(a.Body, homeLink) == tt.linked {
			t.Errorf("an app %s: want a link to its home page: %t; got %s", name, tt.linked, a.Body)
		}
	}
}
