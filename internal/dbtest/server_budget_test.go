package dbtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/opaque"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/sqlstore"
)

// spent is the cost of a request: SELECTs outside a transaction, transactions,
// statements that change something, and look-ups of users.
type spent struct{ reads, transactions, writes, users int }

// measure returns the cost of a request.
func (s *oauthServer) measure(counter *dbtest.Counter, request func()) spent {
	counter.Take()
	s.lookups.Store(0)
	request()
	c := counter.Take()
	return spent{c.Reads, c.Transactions, c.Statements - c.Reads, int(s.lookups.Load())}
}

// The statement budget of each request, on each database. A lower number fails too:
// then lower the number here.
func TestServer_StatementBudget(t *testing.T) {
	for name, audit := range map[string]bool{"without a log": false, "with a log": true} {
		t.Run(name, func(t *testing.T) {
			everyStore(t, func(t *testing.T, d sqldb.Dialect) {
				budget(t, d, audit)
				introspectionBudget(t, d, audit)
				revocationBudget(t, d, audit)
				deviceBudget(t, d, audit)
			})
		})
	}
}

// checkSpent returns a function that fails the test unless a request costs exactly its
// budget.
func checkSpent(t *testing.T, audit bool) func(what string, got, want spent) {
	return func(what string, got, want spent) {
		t.Helper()
		if audit && want.writes > 0 { // one more, in the same transaction
			want.writes, want.transactions = want.writes+1, max(want.transactions, 1)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
}

func budget(t *testing.T, d sqldb.Dialect, audit bool) {
	db, counter := dbtest.Count(t, dbtest.URL(t, d))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AuditLog = audit })
	check := checkSpent(t, audit)

	var page, decided *httptest.ResponseRecorder
	check("consent page", s.measure(counter, func() { page = s.authorize("read write") }), spent{reads: 3, users: 1}) // the page shows the metadata of the client
	allowed := spent{reads: 3, transactions: 1, writes: 3 + 2 + 1, users: 1}                                          // the last one ends families above the limit
	if audit {
		allowed.transactions = 2
	}
	check("allowing, two new scopes", s.measure(counter, func() { decided = s.allow(page) }), allowed)
	s.codeIn(decided)
	var code string
	check("authorize with remembered consent", s.measure(counter, func() { code = s.codeIn(s.authorize("read")) }), spent{reads: 2, transactions: 1, writes: 2, users: 1})

	issued := spent{reads: 1, transactions: 1, writes: 3, users: 1}
	if d.Name == sqldb.Postgres.Name { // a single statement
		issued.transactions, issued.writes = 0, 1
	}
	var tok, next *reply
	check("code exchange", s.measure(counter, func() { tok = s.ok(s.redeem(code)) }), issued)
	check("refresh", s.measure(counter, func() { next = s.ok(s.refresh(tok.Refresh)) }), issued)
	check("retry of a refresh", s.measure(counter, func() { s.ok(s.refresh(tok.Refresh)) }), spent{reads: 2, users: 1})
	var own *reply
	check("client_credentials", s.measure(counter, func() { own = s.ok(s.post(s.own, "grant_type", "client_credentials")) }), spent{reads: 1, writes: 1})

	for range 2 { // the second time the signature may be cached
		check("guard, a user", s.measure(counter, func() { s.admits(next.Access) }), spent{reads: 1, users: 1})
		check("guard, a client", s.measure(counter, func() { s.admits(own.Access) }), spent{reads: 1})
	}
	check("guard, a forged token", s.measure(counter, func() { s.admits(next.Access + "A") }), spent{})
	check("guard, nonsense", s.measure(counter, func() { s.admits("x") }), spent{})

	check("unknown client", s.measure(counter, func() { s.post(oauthClient{"unknown", "x"}, "grant_type", "client_credentials") }), spent{reads: 1})
	check("wrong secret", s.measure(counter, func() { s.post(oauthClient{s.own.id, "x"}, "grant_type", "client_credentials") }), spent{reads: 1})
	check("unknown code", s.measure(counter, func() { s.redeem("x") }), spent{reads: 3}) // with the client, the client, the code
	check("no grant_type", s.measure(counter, func() { s.post(s.own) }), spent{reads: 1})
	check("metadata and keys", s.measure(counter, func() {
		for _, path := range []string{"/.well-known/oauth-authorization-server", "/oauth/jwks"} {
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", oauthIssuer+path, nil))
		}
	}), spent{})
	check("replay of a code", s.measure(counter, func() { s.redeem(code) }), spent{reads: 1, transactions: 1, writes: 1})
	s.wantBlameless()
}

// Introspection reads the client and the token, and loads the user of an active token.
// If the token isn't an access token, it also reads the refresh token.
func introspectionBudget(t *testing.T, d sqldb.Dialect, audit bool) {
	db, counter := dbtest.Count(t, dbtest.URL(t, d))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AuditLog = audit })
	check := checkSpent(t, audit)
	api := s.register(passport.Registration{Name: "api", Audience: oauthIssuer})
	tok, personal := s.ok(s.redeem(s.code())), s.personal()
	own := s.ok(s.post(s.own, "grant_type", "client_credentials"))
	for range 2 { // the second time the signature may be cached
		for _, c := range []struct {
			what   string
			caller oauthClient
			token  string
			active bool
			want   spent
		}{
			{"JWT of a user", api, tok.Access, true, spent{reads: 2, users: 1}},
			{"opaque personal token", api, personal, true, spent{reads: 2, users: 1}},
			{"client's own token", api, own.Access, true, spent{reads: 2}},
			{"refresh token by its client", s.web, tok.Refresh, true, spent{reads: 2, users: 1}},
			{"refresh token by the API", api, tok.Refresh, false, spent{reads: 2}},
			{"another client's token", s.own, tok.Access, false, spent{reads: 2}},
			{"forged token", api, tok.Access + "A", false, spent{reads: 2}},
			{"unknown token", api, "x", false, spent{reads: 2}},
			{"malformed opaque token", api, personal + "A", false, spent{reads: 2}},
			{"unknown opaque token", api, opaque.New("passport_pat_"), false, spent{reads: 3}},
			{"wrong secret", oauthClient{api.id, "x"}, tok.Access, false, spent{reads: 1}},
		} {
			active := false
			check("introspection, "+c.what, s.measure(counter, func() { active = s.active(c.caller, c.token) }), c.want)
			if active != c.active {
				t.Errorf("introspection, %s: active is %t, want %t", c.what, active, c.active)
			}
		}
	}
	s.wantBlameless()
}

// Revocation reads the client and the token, and revokes the token's family if it has
// one.
func revocationBudget(t *testing.T, d sqldb.Dialect, audit bool) {
	db, counter := dbtest.Count(t, dbtest.URL(t, d))
	s := newOAuthServer(t, migrated(t, db, d), func(c *passport.Config) { c.AuditLog = audit })
	check := checkSpent(t, audit)
	byAccess, byRefresh, kept := s.ok(s.redeem(s.code())), s.ok(s.redeem(s.code())), s.ok(s.redeem(s.code()))
	own := s.ok(s.post(s.own, "grant_type", "client_credentials"))
	for _, c := range []struct {
		what   string
		caller oauthClient
		token  string
		want   spent
	}{
		{"access token", s.web, byAccess.Access, spent{reads: 2, transactions: 1, writes: 1}},
		{"access token again", s.web, byAccess.Access, spent{reads: 2}},
		{"refresh token of the same family", s.web, byAccess.Refresh, spent{reads: 2}},
		{"refresh token", s.web, byRefresh.Refresh, spent{reads: 2, transactions: 1, writes: 1}},
		{"client's own token", s.own, own.Access, spent{reads: 2, transactions: 1, writes: 2}},
		{"another client's access token", s.own, kept.Access, spent{reads: 2}},
		{"another client's refresh token", s.own, kept.Refresh, spent{reads: 2}},
		{"another client's personal token", s.web, s.personal(), spent{reads: 2}},
		{"unknown token", s.web, "x", spent{reads: 2}},
		{"forged token", s.web, kept.Access + "A", spent{reads: 2}},
	} {
		check("revocation, "+c.what, s.measure(counter, func() { s.revoke(c.caller, c.token) }), c.want)
	}
	if s.admits(byAccess.Access) || s.admits(byRefresh.Access) || s.admits(own.Access) || !s.admits(kept.Access) {
		t.Error("after the revocations the guard must admit only the token that was not revoked")
	}
	s.wantBlameless()
}

// The guard's SELECT finds its rows by indexes: first the token, then family and client
// by ID.
func TestServer_GuardReadsByIndex(t *testing.T) {
	db, counter := dbtest.Count(t, dbtest.URL(t, sqlstore.SQLite))
	s := newOAuthServer(t, migrated(t, db, sqlstore.SQLite))
	tok := s.ok(s.redeem(s.code()))
	counter.Take()
	if !s.admits(tok.Access) {
		t.Fatal("the guard refuses the token, want it admitted")
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
			t.Errorf("the guard's SELECT scans a whole table: %s", detail)
		}
	}
	if must(t, rows.Err()); steps < 3 {
		t.Errorf("the plan has %d steps, want token, family and client", steps)
	}
}

// If the database is unreachable, the token endpoint fails with a server error, and the
// guard admits no request.
func TestNeverRepeat_D1_OP_04_DatabaseUnreachable(t *testing.T) {
	everyStore(t, func(t *testing.T, d sqldb.Dialect) {
		db := dbtest.Open(t, d)
		s := newOAuthServer(t, migrated(t, db, d))
		tok := s.ok(s.redeem(s.code()))
		must(t, db.Close())
		if r := s.refresh(tok.Refresh); r.status < 500 || strings.Contains(r.body, "sql") {
			t.Errorf("refresh without a database = %d %s, want a server error that does not mention SQL", r.status, r.body)
		}
		r := httptest.NewRequest("GET", "https://api.example.com/", nil)
		r.Header.Set("Authorization", "Bearer "+tok.Access)
		w := httptest.NewRecorder()
		s.Guard()(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code < 500 || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("guard without a database = %d, want a server error without a challenge", w.Code)
		}
	})
}
