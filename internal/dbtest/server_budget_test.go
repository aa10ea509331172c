package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// spent is what a request costs: SELECTs outside a transaction, transactions,
// statements that change something, and look-ups of users.
type spent struct{ reads, transactions, writes, users int }

// measure returns what a request costs.
func (s *oauthServer) measure(counter *dbtest.Counter, request func()) spent {
	counter.Take()
	s.lookups.Store(0)
	request()
	c := counter.Take()
	return spent{c.Reads, c.Transactions, c.Statements - c.Reads, int(s.lookups.Load())}
}

// The statement budget of the design, request by request, over each database.
// What is less fails too: then the number here is to be lowered.
func TestServer_StatementBudget(t *testing.T) {
	for name, audit := range map[string]bool{"without a log": false, "with a log": true} {
		t.Run(name, func(t *testing.T) {
			everyStore(t, func(t *testing.T, d sqldb.Dialect) { budget(t, d, audit) })
		})
	}
}

func budget(t *testing.T, d sqldb.Dialect, audit bool) {
	db, counter := dbtest.Count(t, dbtest.URL(t, d))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AuditLog = audit })
	check := func(what string, got, want spent) {
		t.Helper()
		if audit && want.writes > 0 { // one more, in the same transaction
			want.writes, want.transactions = want.writes+1, 1
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}

	var page, answered *httptest.ResponseRecorder
	check("consent page", s.measure(counter, func() { page = s.authorize("read write") }), spent{reads: 2, users: 1})
	check("allowing, two new scopes", s.measure(counter, func() { answered = s.allow(page) }), spent{reads: 2, transactions: 1, writes: 3 + 2, users: 1})
	s.codeIn(answered)
	var code string
	check("authorize with remembered consent", s.measure(counter, func() { code = s.codeIn(s.authorize("read")) }), spent{reads: 2, transactions: 1, writes: 2, users: 1})

	issued := spent{reads: 2, transactions: 1, writes: 3, users: 1}
	if d.Name == sqldb.Postgres.Name { // which has one statement for all three
		issued.transactions, issued.writes = 0, 1
	}
	var tok, next *reply
	check("code exchange", s.measure(counter, func() { tok = s.ok(s.redeem(code)) }), issued)
	check("refresh", s.measure(counter, func() { next = s.ok(s.refresh(tok.Refresh)) }), issued)
	check("retry of a refresh", s.measure(counter, func() { s.ok(s.refresh(tok.Refresh)) }), spent{reads: 3, users: 1})
	var own *reply
	check("client_credentials", s.measure(counter, func() { own = s.ok(s.post(s.own, "grant_type", "client_credentials")) }), spent{reads: 1, writes: 1})

	for range 2 { // the second time the signature may be remembered
		check("guard, a user", s.measure(counter, func() { s.admits(next.Access) }), spent{reads: 1, users: 1})
		check("guard, a client", s.measure(counter, func() { s.admits(own.Access) }), spent{reads: 1})
	}
	check("guard, a forged token", s.measure(counter, func() { s.admits(next.Access + "A") }), spent{})
	check("guard, nonsense", s.measure(counter, func() { s.admits("x") }), spent{})

	check("unknown client", s.measure(counter, func() { s.post(oauthClient{"nobody", "x"}, "grant_type", "client_credentials") }), spent{reads: 1})
	check("wrong secret", s.measure(counter, func() { s.post(oauthClient{s.own.id, "x"}, "grant_type", "client_credentials") }), spent{reads: 1})
	check("unknown code", s.measure(counter, func() { s.redeem("x") }), spent{reads: 2})
	check("no grant", s.measure(counter, func() { s.post(s.own) }), spent{reads: 1})
	check("metadata and keys", s.measure(counter, func() {
		for _, path := range []string{"/.well-known/oauth-authorization-server", "/oauth/jwks"} {
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", oauthIssuer+path, nil))
		}
	}), spent{})
	check("replay of a code", s.measure(counter, func() { s.redeem(code) }), spent{reads: 2, transactions: 1, writes: 1})
	s.wantBlameless()
}

// The guard's one SELECT finds its row by an index: the token's, then by IDs.
func TestServer_GuardReadsByIndex(t *testing.T) {
	db, counter := dbtest.Count(t, dbtest.URL(t, sqlstore.SQLite))
	s := newOAuthServer(t, migrated(t, db, sqlstore.SQLite))
	tok := s.ok(s.redeem(s.code()))
	counter.Take()
	if !s.admits(tok.Access) {
		t.Fatal("the token is not admitted")
	}
	query := counter.Take().Texts[0]
	args := make([]any, strings.Count(query, "?"))
	for i := range args {
		args[i] = "x"
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	must(t, err)
	defer rows.Close()
	steps := 0
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		steps++
		if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "CONSTANT ROW") {
			t.Errorf("the guard reads a whole table: %s", detail)
		}
	}
	if must(t, rows.Err()); steps < 3 {
		t.Errorf("the plan has %d steps, want token, family and client", steps)
	}
}

// A database that is out of reach: 503 from the token endpoint, and nobody gets
// past the guard.
func TestNeverRepeat_D1_OP_04_DatabaseOutOfReach(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := newOAuthServer(t, migrated(t, db, d))
		tok := s.ok(s.redeem(s.code()))
		must(t, db.Close())
		if r := s.refresh(tok.Refresh); r.status < 500 || strings.Contains(r.body, "sql") {
			t.Errorf("refresh without a database = %d %s, want a failure that says nothing of it", r.status, r.body)
		}
		r := httptest.NewRequest("GET", "https://api.example.com/", nil)
		r.Header.Set("Authorization", "Bearer "+tok.Access)
		w := httptest.NewRecorder()
		s.Guard()(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code < 500 || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("the guard without a database answers %d, want a failure and no verdict on the token", w.Code)
		}
	})
}
