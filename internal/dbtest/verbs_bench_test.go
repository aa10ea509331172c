package dbtest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/go-passport/passport/internal/dbtest"
	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// BenchmarkStore measures the store methods that requests use, one call at a time and
// concurrently.
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
	return migrated(b, db, d)
}

// calls makes calls of a store, each with new IDs.
type calls struct {
	ctx    context.Context
	store  oauth.Store
	client *oauth.Client
	last   atomic.Int64
}

func (c *calls) family() *oauth.Family {
	f := newFamily(fmt.Sprintf("%036d", c.last.Add(1)))
	f.User.ID = f.ID[32:]
	return f
}

func (c *calls) begin() (*oauth.Family, error) {
	f := c.family()
	return f, c.store.IssueCode(c.ctx, newCodeIssuance(f))
}

func (c *calls) redeem() error {
	f, err := c.begin()
	if err != nil {
		return err
	}
	return c.store.Issue(c.ctx, newIssuance(c.client, f, f.ID, spendCode(f)))
}

func (c *calls) refresh() error {
	f := c.family()
	first := newIssuance(c.client, f, f.ID, oauth.Spend{})
	first.NewFamily = f
	if err := c.store.Issue(c.ctx, first); err != nil {
		return err
	}
	return c.store.Issue(c.ctx, newIssuance(c.client, f, f.ID+"+", spendRefresh(f.ID)))
}

func benchmarkVerbs(b *testing.B, s oauth.Store) {
	b.Helper()
	client, f := populated(b, s)
	must(b, s.Issue(b.Context(), newIssuance(client, f, "stored", spendCode(f))))
	c := &calls{ctx: b.Context(), store: s, client: client}
	for _, verb := range []struct {
		name string
		run  func() error
	}{
		{"client", func() error { _, err := s.Client(c.ctx, client.ID); return err }},
		{"guard", func() error { _, err := s.AccessToken(c.ctx, "stored"); return err }},
		{"refresh token", func() error { _, err := s.RefreshToken(c.ctx, oauth.DigestOf("refresh stored")); return err }},
		{"use once", func() error { return s.UseOnce(c.ctx, "a.b", c.family().ID, now) }},
		{"client credentials", func() error { return s.Issue(c.ctx, newIssuance(client, nil, c.family().ID, oauth.Spend{})) }},
		{"begin", func() error { _, err := c.begin(); return err }},
		{"begin and redeem", c.redeem},
		{"start and refresh", c.refresh},
	} {
		b.Run(verb.name+"/alone", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, verb.run())
			}
		})
		b.Run(verb.name+"/many", func(b *testing.B) {
			b.SetParallelism(32) // times GOMAXPROCS
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
