package authorize_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// plainStore is a store without optional interfaces.
type plainStore struct{ oauth.Store }

// nginxHeader is the maximum size of a response header that nginx accepts by default on
// most machines (proxy_buffer_size).
const nginxHeader = 4 << 10

// wantSmallHeader fails the test for a response that nginx would answer with 502.
func wantSmallHeader(t *testing.T, what string, a *testkit.Response) *testkit.Response {
	t.Helper()
	var header strings.Builder
	if err := a.Header.Write(&header); err != nil {
		t.Fatal(err)
	}
	if location := a.Header.Get("Location"); len(location) > 3<<10 || header.Len() > nginxHeader {
		t.Errorf("%s: a Location of %d bytes in a header of %d, want at most 3072 in 4096: %.100s", what, len(location), header.Len(), location)
	}
	return a
}

// longStates returns states up to the maximum request length, by description.
func longStates() map[string]string {
	return map[string]string{
		"short":                   "af0ifjsldkj",
		"1,120 bytes of JSON":     `{"next":"` + strings.Repeat(`/a?b=c&d="e"`, 92) + `"}`,
		"2 kB of letters":         strings.Repeat("s", 1700),
		"2 kB that are escaped":   strings.Repeat("%", 600),
		"just above 2 kB":         strings.Repeat("s", 1900),
		"8 kB of letters":         strings.Repeat("s", 7700),
		"8 kB that are escaped":   strings.Repeat("é", 1280),
		"8 kB in percent signs":   strings.Repeat("%", 2560),
		"a URL, escaped by a URL": strings.Repeat(url.QueryEscape(url.QueryEscape("https://app.example.com/?a=b&c=d ")), 60),
	}
}

// FR-27: no response has a long Location: neither to the sign-in page, nor to the client
// with a code or an error. The state comes back unchanged.
func TestAuthorize_FR_27_EveryLocationIsBounded(t *testing.T) {
	for storeName, store := range map[string]oauth.Store{"a store for requests": new(memstore.Store), "a store without optional interfaces": plainStore{new(memstore.Store)}} {
		s := testkit.NewServer(t, func(c *passport.Config) { c.Store = store })
		node := s.Restart()
		for name, state := range longStates() {
			t.Run(storeName+", "+name, func(t *testing.T) {
				s, node := s.In(t), node.In(t)
				c, b := s.Web(), s.Browser()
				wantState := func(what string, a *testkit.Response) {
					t.Helper()
					if got := wantSmallHeader(t, what, a).Params().Get("state"); got != state {
						t.Errorf("%s: state = %.60q, want %.60q", what, got, state)
					}
				}
				wantState("login_required", b.Authorize(c, "state", state, "prompt", "none"))
				away := wantSmallHeader(t, "on the way to the sign-in page", b.Authorize(c, "state", state))
				if strings.Contains(away.Target(), "%25") {
					t.Errorf("the URL of the sign-in page is escaped twice: %.300s", away.Target())
				}
				away.From = b.At(node) // another node
				page := wantSmallHeader(t, "the consent page", away.SignIn("alice"))
				wantState("after Allow", page.Allow())
				wantState("without a page", b.Authorize(c, "state", state))
				wantState("a scope that is unknown", b.Authorize(c, "state", state, "scope", "unknown"))
			})
		}
	}
}

// FR-27: a long request is stored sealed, under the digest of its handle.
func TestAuthorize_FR_27_StoredRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, state := s.Web(), strings.Repeat("canary ", 500)
		pending, _ := oauth.StoreAs[oauth.PendingRequestStore](s.Store)
		away := s.Browser().Authorize(c, "state", state)
		handle := strings.TrimPrefix(away.ReturnTo(), "/oauth/authorize?passport_sign_in=")
		stored, err := pending.PendingRequest(t.Context(), oauth.DigestOf(handle))
		if err != nil || stored.ClientID != c.ID || strings.Contains(fmt.Sprint(stored), "canary") || strings.Contains(fmt.Sprint(stored), handle) {
			t.Fatalf("the store has %.200v, %v; want the client's request, sealed and without its handle", stored, err)
		}
		if strings.Contains(handle, "canary") || len(handle) > 64 {
			t.Errorf("the handle is %.100q, want a short random string", handle)
		}
		for range 2 { // a reload repeats the same request
			if got := away.SignIn("alice"); !got.IsConsent() {
				t.Errorf("with a handle: %s, want the consent page", got)
			}
		}
		time.Sleep(4 * time.Hour)
		away.ComeBack().WantPage(400, "This page has expired", "start again")
		s.WantNoSecrets(handle)
	})
}

// FR-27: the number of stored requests of a client is limited. Above the limit, requests
// still work. The last slots are for requests that are too long for the URL, and become
// free after ten minutes.
func TestAuthorize_FR_27_StoredRequestsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		long, longer := strings.Repeat("s", 3000), strings.Repeat("s", 6000)
		inURL := func(a *testkit.Response) bool { return strings.Contains(a.ReturnTo(), ".") }
		checkSlots := func(when string, longInURL, longerInURL bool) {
			t.Helper()
			for state, want := range map[string]bool{long: longInURL, longer: longerInURL} {
				away := wantSmallHeader(t, when, s.Browser().Authorize(c, "state", state, "prompt", "consent"))
				if inURL(away) != want {
					t.Errorf("%s, a request of %d bytes travels in the URL: %t, want %t", when, len(state), inURL(away), want)
				}
				if done := away.SignIn("alice").Allow(); done.Params().Get("state") != state {
					t.Errorf("%s, a request of %d bytes: %s, want a code", when, len(state), done)
				}
			}
		}
		checkSlots("with an empty store", false, false)
		b := s.Browser()
		for range 600 {
			b.Authorize(c, "state", long)
		}
		checkSlots("after 600 requests of 3 KB", true, false)
		for range 600 {
			b.Authorize(c, "state", longer)
		}
		checkSlots("after 600 requests of 6 KB", true, true)
		if away := s.Browser().Authorize(s.Web(), "state", long); away.Status != http.StatusSeeOther || inURL(away) {
			t.Errorf("another client: %s, want a redirect with a handle", away)
		}
		time.Sleep(10 * time.Minute)
		checkSlots("ten minutes later", true, false)
		time.Sleep(4 * time.Hour)
		checkSlots("four hours later", false, false)
	})
}

// FR-27: in the last slots, a request is kept for ten minutes.
func TestAuthorize_FR_27_LastSlotsOfStoredRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c := s.Web()
		for range 500 {
			s.Browser().Authorize(c, "state", strings.Repeat("s", 3000))
		}
		longer := strings.Repeat("s", 6000)
		inTime, late := s.Browser().Authorize(c, "state", longer), s.Browser().Authorize(c, "state", longer)
		time.Sleep(10*time.Minute - time.Second)
		if page := inTime.SignIn("alice"); !page.IsConsent() {
			t.Errorf("within ten minutes: %s, want the consent page", page)
		}
		time.Sleep(time.Second)
		late.ComeBack().WantPage(400, "This page has expired", "start again")
	})
}
