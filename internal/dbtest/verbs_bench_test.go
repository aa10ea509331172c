package dbtest_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
	"github.com/go-passport/passport/sqlstore"
)

// BenchmarkStore measures the verbs that requests use, one call at a time and 64
// side by side.
func BenchmarkStore(b *testing.B) {
	b.Run("memory", func(b *testing.B) { benchmarkVerbs(b, new(memstore.Store)) })
	for _, d := range dbtest.Dialects {
		b.Run(d.Name, func(b *testing.B) { benchmarkVerbs(b, benchStore(b, d)) })
	}
}

func benchStore(b *testing.B, d sqldb.Dialect) oauth.Store {
	b.Helper()
	db := dbtest.Open(b, d)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	s := sqlstore.New(db, d)
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

func benchmarkVerbs(b *testing.B, s oauth.Store) {
	ctx, now := b.Context(), time.Now()
	c := &oauth.Client{
		ID: "client", Name: "Client", AuthMethod: oauth.AuthBasic, Secrets: []oauth.Secret{{Digest: oauth.DigestOf("secret"), CreatedAt: now}},
		RedirectURIs: []string{"https://a.example/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}, CreatedAt: now,
	}
	if err := s.CreateClient(ctx, c, nil); err != nil {
		b.Fatal(err)
	}
	var last atomic.Int64
	next := func() string { return fmt.Sprintf("%036d", last.Add(1)) }
	family := func() *oauth.Family {
		id := next()
		return &oauth.Family{ID: id, User: oauth.UserRef{Provider: "users", ID: id[32:]}, ClientID: c.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	}
	issuance := func(f *oauth.Family, spends oauth.Spend) *oauth.Issuance {
		id := next()
		i := &oauth.Issuance{
			Time: now, Spends: spends,
			AccessToken: &oauth.AccessToken{ID: id, Client: c, Family: f, Scopes: []string{"read"}, IssuedAt: now, ExpiresAt: now.Add(time.Hour)},
		}
		if f != nil {
			i.RefreshToken = &oauth.RefreshToken{Digest: oauth.DigestOf(id), AccessTokenID: id, Family: f, ExpiresAt: now.Add(time.Hour)}
		}
		return i
	}
	begin := func() (*oauth.Family, error) {
		f := family()
		code := &oauth.Code{Digest: oauth.DigestOf(f.ID), Family: f, ExpiresAt: now.Add(time.Minute)}
		return f, s.Begin(ctx, &oauth.Beginning{Ticket: f.ID, Until: now, Family: f, Code: code})
	}
	stored := issuance(family(), oauth.Spend{})
	stored.NewFamily = stored.AccessToken.Family
	if err := s.Issue(ctx, stored); err != nil {
		b.Fatal(err)
	}
	for _, verb := range []struct {
		name string
		run  func() error
	}{
		{"client", func() error { _, err := s.Client(ctx, c.ID); return err }},
		{"guard", func() error { _, err := s.AccessToken(ctx, stored.AccessToken.ID); return err }},
		{"refresh token", func() error { _, err := s.RefreshToken(ctx, stored.RefreshToken.Digest); return err }},
		{"use once", func() error { return s.UseOnce(ctx, "a.b", next(), now) }},
		{"client credentials", func() error { return s.Issue(ctx, issuance(nil, oauth.Spend{})) }},
		{"begin", func() error { _, err := begin(); return err }},
		{"begin and redeem", func() error {
			f, err := begin()
			if err != nil {
				return err
			}
			return s.Issue(ctx, issuance(f, oauth.Spend{Purpose: oauth.SpendCode, ID: string(oauth.DigestOf(f.ID))}))
		}},
		{"begin and refresh", func() error {
			f := family()
			first := issuance(f, oauth.Spend{})
			first.NewFamily = f
			if err := s.Issue(ctx, first); err != nil {
				return err
			}
			return s.Issue(ctx, issuance(f, oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: string(first.RefreshToken.Digest)}))
		}},
	} {
		b.Run(verb.name+"/1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := verb.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(verb.name+"/64", func(b *testing.B) {
			b.SetParallelism(32) // times GOMAXPROCS, 2 on the machine that this was written on
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := verb.run(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
