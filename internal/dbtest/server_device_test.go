package dbtest_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// 64 polls race both decisions about one device code, on two nodes with one store. One
// decision wins, and at most one poll gets tokens.
func TestServer_DV_06_A1_DecisionsRacePolls(t *testing.T) {
	t.Run("memstore", func(t *testing.T) {
		store := new(memstore.Store)
		racePolls(t, store, store)
	})
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		u := dbtest.URL(t, d)
		db, _ := dbtest.Count(t, u)
		second, _ := dbtest.Count(t, u)
		racePolls(t, migrated(t, db, d), sqlstore.New(second, d))
	})
}

func racePolls(t *testing.T, first, second oauth.Store) {
	keys, err := passport.GenerateKeys()
	must(t, err)
	configure := func(c *passport.Config) { c.Keys, c.Features = keys, []passport.Feature{passport.Device{}} }
	nodes := []*oauthServer{newOAuthServer(t, first, configure), newOAuthServer(t, second, configure)}
	tv := nodes[0].register(passport.Registration{Name: "tv", GrantTypes: []string{deviceGrant, "refresh_token"}})
	allowed := 0
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		codes := nodes[0].deviceCodes(tv)
		poll := func(node int) *reply {
			return nodes[node].post(tv, "grant_type", deviceGrant, "device_code", codes.Device)
		}
		decide := map[string]func(){}
		for i, decision := range []string{"allow", "deny"} {
			page := nodes[i].devicePage(nil, url.Values{"user_code": {codes.User}})
			ticket := ticketInPage.FindStringSubmatch(page.Body.String())
			if ticket == nil {
				t.Fatalf("want the consent page, got %d %s", page.Code, page.Body)
			}
			decide[decision] = func() {
				nodes[i].devicePage(page, url.Values{"ticket": {html.UnescapeString(ticket[1])}, "decision": {decision}})
			}
		}
		var wg sync.WaitGroup
		start := make(chan struct{})
		polls := make([]*reply, 64)
		for i := range polls {
			wg.Go(func() {
				<-start
				polls[i] = poll(i % 2)
			})
		}
		for _, f := range decide {
			wg.Go(func() {
				<-start
				f()
			})
		}
		close(start)
		wg.Wait()

		device, err := first.(oauth.DeviceStore).DeviceCode(t.Context(), oauth.DeviceDigest(codes.Device))
		must(t, err)
		if device.Pending() {
			t.Fatalf("round %d: no decision won", round)
		}
		issued := 0
		for _, r := range slices.Concat(polls, []*reply{poll(0), poll(1)}) {
			switch {
			case r.status == http.StatusOK:
				issued++
			case device.Approved() && r.Error == "access_denied", r.status != http.StatusBadRequest:
				t.Errorf("round %d, approved %v: a poll got %d %s", round, device.Approved(), r.status, r.body)
			}
		}
		if want := map[bool]int{true: 1}[device.Approved()]; issued != want {
			t.Errorf("round %d, approved %v: %d polls got tokens, want %d", round, device.Approved(), issued, want)
		}
		if device.Approved() {
			allowed++
		}
	}
	t.Logf("allow won %d of %d rounds", allowed, rounds)
}

// A request of a device reads the client; a poll also reads the device code. Neither is in
// the audit log.
func deviceBudget(t *testing.T, d sqldb.Dialect, audit bool) {
	db, counter := dbtest.Count(t, dbtest.URL(t, d))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AuditLog, c.Features = audit, []passport.Feature{passport.Device{}} })
	tv := s.register(passport.Registration{Name: "tv", GrantTypes: []string{deviceGrant, "refresh_token"}})
	unlogged, check := checkSpent(t, false), checkSpent(t, audit)
	var codes deviceCodes
	unlogged("device code", s.measure(counter, func() { codes = s.deviceCodes(tv) }), spent{reads: 1, writes: 1})
	poll := func() *reply { return s.post(tv, "grant_type", deviceGrant, "device_code", codes.Device) }
	unlogged("poll in time", s.measure(counter, func() { poll() }), spent{reads: 2, writes: 1})
	unlogged("early poll", s.measure(counter, func() { poll() }), spent{reads: 2, writes: 2})
	page := s.devicePage(nil, url.Values{"user_code": {codes.User}})
	ticket := ticketInPage.FindStringSubmatch(page.Body.String())
	if ticket == nil {
		t.Fatalf("want the consent page, got %d %s", page.Code, page.Body)
	}
	s.devicePage(page, url.Values{"ticket": {html.UnescapeString(ticket[1])}, "decision": {"allow"}})
	redeemed := spent{reads: 3, transactions: 1, writes: 3, users: 1}
	if d.Name == sqldb.Postgres.Name { // a single statement
		redeemed.transactions, redeemed.writes = 0, 1
	}
	check("redemption of a device code", s.measure(counter, func() { s.ok(poll()) }), redeemed)
	check("replay of a device code", s.measure(counter, func() { poll() }), spent{reads: 3, transactions: 1, writes: 1})
	unlogged("unknown device code", s.measure(counter, func() {
		codes.Device = "x"
		poll()
	}), spent{reads: 2})
}

// deviceCodes are the codes of a response.
type deviceCodes struct {
	Device string `json:"device_code"`
	User   string `json:"user_code"`
}

func (s *oauthServer) deviceCodes(c oauthClient) (codes deviceCodes) {
	s.t.Helper()
	must(s.t, json.Unmarshal(s.form(c, "/oauth/device/code", "scope", "read").Body.Bytes(), &codes))
	return codes
}

// devicePage sends a form to the page for devices, with the cookies of an earlier page.
func (s *oauthServer) devicePage(from *httptest.ResponseRecorder, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", oauthIssuer+"/oauth/device", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if from != nil {
		for _, cookie := range from.Result().Cookies() {
			r.AddCookie(cookie)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
