package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// result is the response that axios or fetch returns to a script.
type result struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// run runs a script on the page and returns the response of its promise.
func (b *tab) run(call string) result {
	b.t.Helper()
	const settle = `.then(r => r, e => e.response).then(async r => ({status: r.status, body: r.text ? await r.text() : JSON.stringify(r.data)}))`
	return ask(b, chromedp.Evaluate[result](call+settle, chromedp.EvalAwaitPromise))
}

func (b *tab) wantRun(what, call string, status int, says string) {
	b.t.Helper()
	if got := b.run(call); got.Status != status || !strings.Contains(got.Body, says) {
		b.t.Errorf("%s: %s got %d %q, want %d with %q", what, call, got.Status, got.Body, status, says)
	}
}

const (
	getUser   = `axios.get('/api/user')`
	postOrder = `axios.post('/api/orders', {item: 'Coffee'})`
	fetchUser = `fetch('/api/user', {headers: {%s}})`
	fromPage  = `'X-CSRF-TOKEN': document.querySelector('meta[name=csrf-token]').content`
)

// newShop opens the application's page with Ada signed in.
func newShop(t *testing.T) (*application, *tab) {
	t.Helper()
	if _, err := os.Stat(axiosFile); errors.Is(err, fs.ErrNotExist) {
		require(t, false, "axios is not installed: npm ci --ignore-scripts, in internal/e2e")
	}
	a := startApplication(t)
	b := newPerson(t, &a.server).tab()
	b.open(a.URL + "/sign-in/1")
	b.see("Welcome to the shop.")
	return a, b
}

// The documentation's example, on a page with unmodified axios: no setup, no
// token, and every scope.
func TestE2E_FreshToken_AxiosUnchanged(t *testing.T) {
	a, b := newShop(t)
	for range 2 {
		b.wantRun("signed in", getUser, 200, `{"name":"Ada"}`)
		b.wantRun("signed in", postOrder, 201, `{"item":"Coffee"}`)
		b.wantRun("signed in", `axios.post('/oauth/token/refresh')`, 200, "Refreshed.")
	}
	b.wantRun("the header from the page", fmt.Sprintf(fetchUser, fromPage), 200, "Ada")
	b.wantRun("the documentation's fetch", documentedFetch, 200, "Ada")
	if readable := ask(b, chromedp.Evaluate[string](`document.cookie`)); strings.Contains(readable, "passport_token") || !strings.Contains(readable, "XSRF-TOKEN=") {
		t.Errorf("scripts read the cookies %q, want XSRF-TOKEN and not passport_token", readable)
	}
	b.clean()

	b.open(a.URL + "/sign-in/2") // another user in the same browser
	b.wantRun("Bob", getUser, 200, `{"name":"Bob"}`)
	b.clean()
	if n := a.canaries.kinds()["cookie"]; n < 4 {
		t.Errorf("only %d cookies were seen, which are too few for the check of the log", n)
	}
}

const documentedFetch = `(() => {
const xsrf = document.cookie.match(/(?:^|; )XSRF-TOKEN=([^;]*)/)?.[1]
return fetch('/api/user', { headers: { 'X-XSRF-TOKEN': decodeURIComponent(xsrf) } })
})()`

// A request without proof of our page and of the user gets 401.
func TestE2E_FreshToken_Refused(t *testing.T) {
	a, b := newShop(t)
	b.wantRun("without the header", fmt.Sprintf(fetchUser, ""), 401, "the CSRF value is missing")
	b.wantRun("with another value", fmt.Sprintf(fetchUser, `'X-CSRF-TOKEN': 'guessed'`), 401, "the CSRF value is wrong")
	b.wantRun("with a bad token beside it", `axios.get('/api/user', {headers: {Authorization: 'Bearer x'}})`, 401, "invalid_token")
	b.wantRun("for clients", `axios.get('/api/service')`, 403, "insufficient_scope")
	b.wantRun("unchanged", getUser, 200, "Ada")

	b.do("lose XSRF-TOKEN", chromedp.Evaluate[chromedp.Void](`document.cookie = 'XSRF-TOKEN=; path=/; max-age=0'`))
	b.wantRun("without the cookie XSRF-TOKEN", getUser, 401, "")
	b.wantRun("without the cookie XSRF-TOKEN", postOrder, 401, "")
	b.open(a.URL + "/")
	b.wantRun("on the next page", getUser, 200, "Ada")

	a.signOutEverywhere()
	b.wantRun("signed out", getUser, 401, "")
	b.wantRun("signed out", postOrder, 401, "")
	b.wantRun("signed out", `axios.post('/oauth/token/refresh')`, 401, "Unauthenticated.")
	b.open(a.URL + "/")
	if left := b.cookiesOf(a.URL); strings.Contains(left, "passport_token") || strings.Contains(left, "XSRF-TOKEN") {
		t.Errorf("after signing out the browser has the cookies %s", left)
	}
}

// A page of another site in the same browser can neither read nor place orders.
func TestE2E_FreshToken_UI_02_AnotherSite(t *testing.T) {
	a, b := newShop(t)
	b.wantRun("signed in", postOrder, 201, "Coffee")
	elsewhere := newThirdParty(t, "tcp4", "127.0.0.1:0")
	b.open("http://localhost:" + elsewhere.port + "/inside") // localhost and 127.0.0.1 are two sites for cookies
	const form = `fetch(%q, {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'item=Coffee'}).then(() => 'sent', e => String(e))`
	if got := ask(b, chromedp.Evaluate[string](fmt.Sprintf(form, a.URL+"/api/orders"), chromedp.EvalAwaitPromise)); got != "sent" {
		t.Fatalf("the browser did not send the other site's request: %s", got)
	}
	const read = `fetch(%q, {credentials: 'include', headers: {'X-XSRF-TOKEN': 'guessed'}}).then(() => 'read', () => 'failed')`
	if got := ask(b, chromedp.Evaluate[string](fmt.Sprintf(read, a.URL+"/api/user"), chromedp.EvalAwaitPromise)); got != "failed" {
		t.Errorf("a page of another site read the API: %q", got)
	}
	if n := a.placed(); n != 1 {
		t.Errorf("%d orders were placed, want 1 from the shop's own page", n)
	}
	if log := a.log.String(); !strings.Contains(log, "method=POST path=/api/orders error=invalid_token") {
		t.Errorf("the log has no line for the other site's request:\n%s", log)
	}
}

// cookiesOf returns the names of the browser's cookies for an address, including
// HttpOnly ones.
func (b *tab) cookiesOf(address string) (names string) {
	b.t.Helper()
	got := ask(b, func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: []string{address}})
	})
	for _, c := range got.Cookies {
		names += c.Name + " "
	}
	return names
}
