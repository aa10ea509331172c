package dbtest_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
)

// api sends a request to the JSON API and checks the status.
func (s *oauthServer) api(status int, method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	w := s.ask(method, path, body)
	if w.Code != status {
		s.t.Errorf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

func (s *oauthServer) ask(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, oauthIssuer+"/oauth"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// idsIn returns the IDs of a list.
func idsIn(t *testing.T, w *httptest.ResponseRecorder) (ids []string) {
	t.Helper()
	var items []map[string]any
	must(t, json.Unmarshal(w.Body.Bytes(), &items))
	for _, item := range items {
		ids = append(ids, fmt.Sprint(item["id"]))
	}
	return ids
}

// The JSON API takes no statement for each item of a list, on each database.
func TestJSONAPI_StatementsOverEachDatabase(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db, counter := dbtest.Count(t, dbtest.URL(t, d))
		s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.ClientIDs = passport.Integers })
		const body = `{"name":"App","redirect":"https://example.com/cb,https://example.com/b"}`
		check := func(what string, got, want spent) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		var w *httptest.ResponseRecorder
		s.measure(counter, func() { w = s.api(201, "POST", "/clients", body) })
		var created struct{ ID int64 }
		if err := json.Unmarshal(w.Body.Bytes(), &created); err != nil || created.ID != 3 {
			t.Fatalf("the third client is %s, %v, want the number 3", w.Body, err)
		}
		for range 5 {
			s.api(201, "POST", "/clients", body)
			s.ok(s.redeem(s.code()))
			s.api(200, "POST", "/personal-access-tokens", `{"name":"x","scopes":["read"]}`)
		}
		check("clients", s.measure(counter, func() { w = s.api(200, "GET", "/clients", "") }), spent{reads: 2, users: 1}) // clients and their metadata
		if got := len(idsIn(t, w)); got != 6 {
			t.Errorf("the list has %d clients, want 6", got)
		}
		check("change", s.measure(counter, func() { s.api(200, "PUT", "/clients/3", strings.Replace(body, "App", "New", 1)) }), spent{reads: 3, transactions: 1, writes: 1, users: 1})
		check("change with metadata", s.measure(counter, func() {
			s.api(200, "PUT", "/clients/3", strings.Replace(body, "{", `{"client_uri":"https://example.com",`, 1))
		}), spent{reads: 4, transactions: 1, writes: 3, users: 1})
		check("delete", s.measure(counter, func() { s.api(204, "DELETE", "/clients/3", "") }), spent{reads: 1, transactions: 1, writes: 1, users: 1})
		check("another user's client", s.measure(counter, func() { s.api(404, "DELETE", "/clients/1", "") }), spent{reads: 1, users: 1})

		var apps, personal []string
		check("tokens", s.measure(counter, func() { apps = idsIn(t, s.api(200, "GET", "/tokens", "")) }), spent{reads: 1, users: 1})
		check("personal", s.measure(counter, func() { personal = idsIn(t, s.api(200, "GET", "/personal-access-tokens", "")) }), spent{reads: 1, users: 1})
		if len(apps) != 5 || len(personal) != 5 {
			t.Fatalf("the lists have %d apps and %d personal tokens, want 5 and 5", len(apps), len(personal))
		}
		check("delete one of several", s.measure(counter, func() { s.api(204, "DELETE", "/tokens/"+apps[0], "") }), spent{reads: 2, transactions: 1, writes: 5, users: 1})
		check("delete a personal one", s.measure(counter, func() { s.api(204, "DELETE", "/personal-access-tokens/"+personal[0], "") }), spent{reads: 2, transactions: 1, writes: 1, users: 1})
		check("scopes", s.measure(counter, func() { s.api(200, "GET", "/scopes", "") }), spent{users: 1})
		s.wantBlameless()

		must(t, db.Close())
		for _, request := range []string{"GET /clients", "POST /clients", "PUT /clients/3", "DELETE /clients/3", "GET /tokens", "DELETE /tokens/x", "POST /personal-access-tokens"} {
			method, path, _ := strings.Cut(request, " ")
			if w := s.ask(method, path, body); w.Code < 500 || !strings.Contains(w.Body.String(), `"message"`) || strings.Contains(w.Body.String(), "sql") {
				t.Errorf("%s without a database = %d %s, want a server error as JSON that does not mention SQL", request, w.Code, w.Body)
			}
		}
	})
}

// A user removes an app while it refreshes, in 64 goroutines. No token stays live.
func TestJSONAPI_NeverRepeat_D4_RemovingRacesRefreshing(t *testing.T) {
	everyOAuthServer(t, func(t *testing.T, s *oauthServer) {
		tok := s.ok(s.redeem(s.code()))
		id := idsIn(t, s.api(200, "GET", "/tokens", ""))[0]
		refreshed := make([]*reply, 48)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				if i%4 == 3 {
					s.api(204, "DELETE", "/tokens/"+id, "")
					return
				}
				refreshed[i/4*3+i%4] = s.refresh(tok.Refresh)
			})
		}
		wg.Wait()
		for _, got := range refreshed {
			switch got.status {
			case 200:
				if s.admits(got.Access) {
					t.Error("an access token that was issued during the removal is still live")
				}
			case 400:
			default:
				t.Errorf("a refresh = %d %s, want 200 or 400", got.status, got.body)
			}
		}
		if got := idsIn(t, s.api(200, "GET", "/tokens", "")); len(got) != 0 {
			t.Errorf("the app is still in the list: %q", got)
		}
	})
}
