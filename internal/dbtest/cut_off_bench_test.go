package dbtest_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// subSelect is the part of the guard's SELECT that looks for cut-offs.
var subSelect = regexp.MustCompile(`(?s)COALESCE\(f\.revoked_at, \((SELECT MIN\(x\.cut_at\).*? AND x\.unredeemed = 0)\), CASE .*? END\)`)

// BenchmarkCutOff measures the cost of cut-offs for the guard: its SELECT as it is,
// without cut-offs, and in forms that were rejected. docs/decisions/0001 has the
// result.
func BenchmarkCutOff(b *testing.B) {
	for _, d := range dbtest.Dialects {
		b.Run(d.Name, func(b *testing.B) {
			db, guard := guarded(b, d)
			found := subSelect.FindStringSubmatch(guard)
			if found == nil {
				b.Fatalf("the guard's SELECT has changed: %s", guard)
			}
			whole, inner := found[0], found[1]
			first := strings.Replace(inner, "MIN(x.cut_at)", "x.cut_at", 1) + " ORDER BY x.cut_at LIMIT 1"
			where := strings.TrimPrefix(inner, "SELECT MIN(x.cut_at) FROM oauth_cut_offs x WHERE ")
			joined := strings.Replace(guard, "WHERE t.id", "LEFT JOIN oauth_cut_offs x ON "+where+" WHERE t.id", 1)
			for _, form := range []struct{ name, query, revokedAt string }{
				{"none", guard, "f.revoked_at"},
				{"chosen", guard, whole},
				{"ordered", guard, "COALESCE(f.revoked_at, (" + first + "))"},
				{"joined", joined, "COALESCE(f.revoked_at, x.cut_at)"},
				{"young only", guard, "COALESCE(f.revoked_at, CASE WHEN f.created_at >= 9000000000000000 THEN (" + inner + ") END)"},
			} {
				b.Run(form.name, func(b *testing.B) { read(b, db, strings.Replace(form.query, whole, form.revokedAt, 1)) })
			}
		})
	}
}

// guarded returns a database with 2,000 tokens, and the SELECT of the guard.
func guarded(b *testing.B, d sqldb.Dialect) (*sql.DB, string) {
	b.Helper()
	db, counter := dbtest.Count(b, dbtest.URL(b, d))
	s := sqlstore.New(db, d)
	ctx, now := b.Context(), time.Now()
	if err := s.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	c := &oauth.Client{ID: "client", RedirectURIs: []string{"https://a.example/cb"}, GrantTypes: []string{"authorization_code"}, CreatedAt: now}
	if err := s.CreateClient(ctx, c, nil); err != nil {
		b.Fatal(err)
	}
	for n := range tokens {
		id := fmt.Sprintf("%036d", n)
		f := &oauth.Family{ID: id, User: oauth.UserRef{Provider: "users", ID: fmt.Sprint(n % 100)}, ClientID: c.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		t := &oauth.AccessToken{ID: id, Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
		if err := s.Issue(ctx, &oauth.Issuance{Time: now, NewFamily: f, AccessToken: t}); err != nil {
			b.Fatal(err)
		}
	}
	counter.Take()
	if _, err := s.AccessToken(ctx, fmt.Sprintf("%036d", 1)); err != nil {
		b.Fatal(err)
	}
	return db, counter.Take().Texts[0]
}

const tokens = 2000

// read runs the query for one token after another.
func read(b *testing.B, db *sql.DB, q string) {
	s, err := db.Prepare(q)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	values := make([]any, 34)
	for i := range values {
		values[i] = new(any)
	}
	for n := 0; b.Loop(); n++ {
		if err := s.QueryRow(fmt.Sprintf("%036d", n%tokens)).Scan(values...); err != nil {
			b.Fatal(err)
		}
	}
}
