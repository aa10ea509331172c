package tokens_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/guard"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/memstore"
	"github.com/go-passport/passport/oauth"
)

// Can returns the same result for a new token and for a token that was read from the store:
// in claims, at a retry, in guards, lists and events, and in a grant that reads the Store.
func TestScopes_FR_16_EveryReaderSeesInheritance(t *testing.T) {
	for _, inherit := range []bool{true, false} {
		seen := map[string][]bool{}
		see := func(where string, token *oauth.AccessToken) {
			seen[where] = append(seen[where], token.Can("orders:read"))
		}
		exchange := testkit.GrantFunc(func(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
			byID, err := r.Store.AccessToken(ctx, r.Form.Get("id"))
			testkit.Check(t, err)
			see("Store.AccessToken in a grant", byID)
			opaque, err := r.Store.OpaqueToken(ctx, oauth.DigestOf(r.Form.Get("opaque")))
			testkit.Check(t, err)
			see("Store.OpaqueToken in a grant", opaque)
			return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: []string{"orders"}}, nil
		})
		s := testkit.NewServer(t, testkit.WithShopScopes, testkit.WithImplicit, testkit.WithGrants(exchange), func(c *passport.Config) {
			c.InheritScopes, c.PersonalTokenFormat = inherit, passport.Opaque
			c.Claims = func(_ context.Context, token *oauth.AccessToken) (map[string]any, error) {
				see("Claims", token)
				return map[string]any{"may_read": token.Can("orders:read")}, nil
			}
		})
		guarded := s.GuardAny(guard.RuleFunc(func(token *oauth.AccessToken) error { see("rule", token); return nil }))
		use := func(bearer string) {
			s.CallWith(func(http.Handler) http.Handler {
				return guarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { see("TokenFrom", guard.TokenFrom(r.Context())) }))
			}, withBearer(testkit.NewGet("https://api.example.com/orders"), bearer))
		}
		c, kiosk := s.Web(), s.Kiosk()
		first := s.GrantTokens(c, "scope", "orders")
		refreshed := s.Refresh(c, first.Refresh).Tokens()
		again := s.Refresh(c, first.Refresh).Tokens()
		fragment := s.Browser().SignIn("alice").AuthorizeToken(s.Board(passport.Registration{}), "scope", "orders").Allow().Token()
		personal, err := s.CreateToken(t.Context(), testkit.Ref("alice"), "laptop", "orders")
		testkit.Check(t, err)
		see("NewToken", personal.Token)
		for name, jwt := range map[string]string{"first issue": first.Access, "refresh": refreshed.Access, "retry within the grace": again.Access, "implicit": fragment} {
			if got := testkit.ClaimsOf(t, jwt)["may_read"]; got != inherit {
				t.Errorf("InheritScopes = %v: Config.Claims on %s: Can(orders:read) = %v", inherit, name, got)
			}
			use(jwt)
		}
		use(personal.AccessToken)
		s.Exchange(kiosk, "grant_type", testkit.VoucherType, "id", testkit.AsText(testkit.ClaimsOf(t, first.Access)["jti"]), "opaque", personal.AccessToken).Tokens()
		for token, err := range s.Tokens(t.Context(), testkit.Ref("alice")) {
			testkit.Check(t, err)
			see("Tokens", token)
		}
		for _, e := range testkit.EventsOf[passport.AccessTokenIssued](s) {
			see("AccessTokenIssued", e.Token)
		}
		for where, n := range map[string]int{
			"Claims": 5, "rule": 5, "TokenFrom": 5, "NewToken": 1, "Tokens": 4, "AccessTokenIssued": 5,
			"Store.AccessToken in a grant": 1, "Store.OpaqueToken in a grant": 1,
		} {
			if got := seen[where]; len(got) != n || slices.Contains(got, !inherit) {
				t.Errorf("InheritScopes = %v: %s: Can(orders:read) = %v, want %d times %v", inherit, where, got, n, inherit)
			}
		}
	}
}

func withBearer(r *http.Request, token string) *http.Request {
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// A store may return the same record to several readers, so the server changes a copy.
func TestScopes_FR_16_RecordsOfTheStoreAreNotChanged(t *testing.T) {
	store := &sharing{Store: new(memstore.Store), rows: map[string]*oauth.AccessToken{}}
	s := testkit.NewServer(t, testkit.WithInheritance, func(c *passport.Config) { c.Store = store })
	token := s.MachineToken(s.Machine(), "scope", "orders")
	for range 2 {
		if a := s.Call(s.GuardClient(guard.Scopes("orders:read")), "Authorization", "Bearer "+token); a.Status != http.StatusOK {
			t.Errorf("a guard for a scope below the token's scope = %s, want 200", a)
		}
	}
	for _, row := range store.rows {
		if row.InheritScopes {
			t.Error("the server changed a record of the store")
		}
	}
	if len(store.rows) != 1 {
		t.Errorf("the store returned %d tokens, want 1", len(store.rows))
	}
}

// sharing is a store that returns the same record for every read of an access token.
type sharing struct {
	oauth.Store
	rows map[string]*oauth.AccessToken
}

func (s *sharing) Unwrap() oauth.Store { return s.Store }

func (s *sharing) AccessToken(ctx context.Context, id string) (*oauth.AccessToken, error) {
	if t := s.rows[id]; t != nil {
		return t, nil
	}
	t, err := s.Store.AccessToken(ctx, id)
	if err == nil {
		s.rows[id] = t
	}
	return t, err
}
