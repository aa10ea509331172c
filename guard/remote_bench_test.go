package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/passporttest"

	"github.com/go-passport/passport"
)

// BenchmarkRemote measures a guarded request with a token that was seen before.
func BenchmarkRemote(b *testing.B) {
	for name, ttl := range map[string]time.Duration{"JWT": 0, "cached introspection": time.Hour} {
		b.Run(name, func(b *testing.B) {
			auth := passporttest.NewServer(b, passport.Config{
				Store: new(memstore.Store), Resources: []string{orders}, Scopes: []passport.Scope{{ID: "read", Description: "Read"}},
			})
			own := auth.NewClient(passport.Registration{Audience: orders})
			api := &guard.Remote{
				Issuer: passporttest.Issuer, Audience: orders, HTTPClient: auth.HTTPClient(),
				ClientID: own.ID, ClientSecret: own.Secret, Introspect: ttl,
			}
			client := auth.NewClient(passport.Registration{})
			client.Resource = orders
			token := client.Token(auth.User("1"), "read")
			admitted := 0
			protected := api.Guard(guard.Scopes("read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { admitted++ }))
			r := token.SetAuthHeader(httptest.NewRequest("GET", "/orders", nil))
			for b.Loop() {
				protected.ServeHTTP(httptest.NewRecorder(), r)
			}
			if admitted == 0 {
				b.Fatal("the guard admits nothing")
			}
		})
	}
}
