package tokens_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The settings of a client hold for each grant, even for a grant without checks: its scopes,
// whether it may refresh, and whether it is active.
func TestNeverRepeat_A12_D15_E13_RT_11_RestrictionsHoldForEachGrant(t *testing.T) {
	greedy := testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{
			Subject: oauth.ForUser(testkit.Ref("alice")), Scopes: []string{"read", "write", "admin", "unheard of"}, Refresh: true,
			Family:    &oauth.Family{ID: fmt.Sprint("f", r.Time.UnixNano()), User: testkit.Ref("alice"), ClientID: r.Client.ID, CreatedAt: r.Time, ExpiresAt: r.Time.Add(time.Hour)},
			NewFamily: true,
		}, nil
	})
	s := testkit.NewServer(t, testkit.WithGrants(greedy))
	c := s.Register(passport.Registration{GrantTypes: []string{testkit.VoucherType}, Scopes: []string{"read"}})
	tok := s.Exchange(c, "grant_type", testkit.VoucherType).Tokens()
	if tok.Scope != "read" || tok.Refresh != "" {
		t.Errorf("a grant for all scopes with a refresh token gave %+v, want the client's scope and no refresh token", tok)
	}
	s.Suspend(c)
	s.Exchange(c, "grant_type", testkit.VoucherType).WantJSONError(401, "invalid_client")

	web := s.Register(passport.Registration{Scopes: []string{"read"}})
	if tok := s.GrantTokens(web); tok.Scope != "read" {
		t.Errorf("scope of the code grant = %q, want read", tok.Scope)
	}
	machine := s.Register(passport.Registration{GrantTypes: []string{"client_credentials"}, Scopes: []string{"read"}})
	s.Exchange(machine, "grant_type", "client_credentials", "scope", "write").WantJSONError(400, "invalid_scope")
}

// An invalid authorization of a grant is refused before anything is written. The log names
// the fault.
func TestToken_InvalidAuthorizations(t *testing.T) {
	sound := func(r *oauth.TokenRequest) *oauth.Authorization {
		a, err := testkit.Voucher{}.Authorize(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	forClient := func(*oauth.TokenRequest) *oauth.Authorization {
		return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: []string{"read"}}
	}
	for name, tt := range map[string]struct {
		base   func(*oauth.TokenRequest) *oauth.Authorization
		change func(*oauth.TokenRequest, *oauth.Authorization)
		log    string
	}{
		"no subject":           {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Subject = oauth.Subject{} }, "names no subject"},
		"a user without an ID": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Subject = oauth.ForUser(testkit.Ref("")) }, "names no subject"},
		"a user without provider": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) {
			a.Subject = oauth.ForUser(oauth.UserRef{ID: "alice"})
		}, "names no subject"},
		"an ID that cannot be stored": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) {
			a.Subject, a.Family.User = oauth.ForUser(testkit.Ref("alice\n")), testkit.Ref("alice\n")
		}, "cannot be stored"},
		"a user without a family": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family, a.NewFamily = nil, false }, "without a family"},
		"another user's family":   {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family.User = testkit.Ref("bob") }, "without a family of that user"},
		"another provider's":      {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family.User.Provider = "staff" }, "without a family of that user"},
		"another client's family": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family.ClientID = "another" }, "another client"},
		"a family without an ID":  {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family.ID = "" }, "no ID"},
		"a family in the future":  {sound, func(r *oauth.TokenRequest, a *oauth.Authorization) { a.Family.CreatedAt = r.Time.Add(time.Microsecond) }, "a later creation time than the request, or none"},
		"a family without a time": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Family.CreatedAt = time.Time{} }, "a later creation time than the request, or none"},
		"a family that has ended": {sound, func(r *oauth.TokenRequest, a *oauth.Authorization) { a.Family.ExpiresAt = r.Time }, "ended already"},
		"a revoked new family":    {sound, func(r *oauth.TokenRequest, a *oauth.Authorization) { a.Family.RevokedAt = r.Time }, "new family is revoked"},
		"a negative lifetime":     {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.AccessTokenTTL = -time.Hour }, "is negative"},
		"two scopes in one":       {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.RefreshScopes = []string{"read *"} }, "RefreshScopes have the element"},
		"an empty resource":       {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Resources = []string{""} }, "Resources have the element"},
		"two resources in one": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) {
			a.Resources = []string{"https://else.example " + testkit.Issuer}
		}, "Resources have the element"},
		"a resource with a line end": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Resources = []string{"https://else.example\n"} }, "Resources have the element"},
		"a client with a family":     {forClient, func(r *oauth.TokenRequest, a *oauth.Authorization) { a.Family = sound(r).Family }, "a client with a family"},
		"a client's new family":      {forClient, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.NewFamily = true }, "for a client"},
		"a client's refresh token":   {forClient, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Refresh = true }, "for a client"},
		"a purpose without a dot":    {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.Purpose = "voucher" }, "needs a dot"},
		"a ticket":                   {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.Purpose = oauth.SpendTicket }, "needs a dot"},
		"no purpose":                 {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.Purpose = "" }, "a purpose and an ID"},
		"no ID":                      {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.ID = "" }, "a purpose and an ID"},
		"no Until":                   {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.Until = time.Time{} }, "how long"},
		"Until is now":               {sound, func(r *oauth.TokenRequest, a *oauth.Authorization) { a.Spends.Until = r.Time }, "how long"},
		"refresh without successor": {sound, func(_ *oauth.TokenRequest, a *oauth.Authorization) {
			a.Spends, a.Refresh = oauth.Spend{Purpose: oauth.SpendRefreshToken, ID: "x"}, false
		}, "without replacing it"},
		"nil": {func(*oauth.TokenRequest) *oauth.Authorization { return nil }, func(*oauth.TokenRequest, *oauth.Authorization) {}, "neither"},
	} {
		t.Run(name, func(t *testing.T) {

			s, store := testkit.Watched(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
				a := tt.base(r)
				tt.change(r, a)
				return a, nil
			})))
			c := s.Kiosk("refresh_token")
			a := s.Exchange(c, "grant_type", testkit.VoucherType, "voucher", "alice-1").WantJSONError(500, "server_error")
			if a.Description() != "" {
				t.Errorf("error_description = %q, want none", a.Description())
			}
			if n := store.Count("Issue"); n != 0 {
				t.Errorf("%d writes, want none", n)
			}
			if !strings.Contains(s.Log.String(), tt.log) {
				t.Errorf("the log does not contain %q: %s", tt.log, s.Log)
			}
		})
	}
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) { return sound(r), nil })))
	s.Exchange(s.Kiosk(), "grant_type", testkit.VoucherType, "voucher", "alice-1").Tokens() // the unchanged authorization is valid
}

// An access token may join another client's family, as in a token exchange (RFC 8693). It
// ends with the family, and cannot be refreshed.
func TestToken_TX_04_TokenInAnotherClientsFamily(t *testing.T) {
	var joined *oauth.Family
	refresh := false
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{Subject: oauth.ForUser(testkit.Ref("alice")), Scopes: []string{"read"}, Family: joined, Refresh: refresh}, nil
	})))
	web, exchanger := s.Web(), s.Kiosk("refresh_token")
	tok := s.GrantTokens(web)
	stored, err := s.Store.RefreshToken(t.Context(), oauth.DigestOf(tok.Refresh))
	if err != nil {
		t.Fatal(err)
	}
	joined = stored.Family
	exchanged := s.Exchange(exchanger, "grant_type", testkit.VoucherType).Tokens()
	if got := s.Call(s.Guard(), "Authorization", "Bearer "+exchanged.Access).Told(); got.User != "alice" || got.Client != exchanger.ID {
		t.Errorf("the guard returned %+v, want alice and the exchanging client", got)
	}
	// The exchanging client cannot revoke it. The log says why.
	if got := s.Do(s.FormRequest(exchanger, "/oauth/revoke", "token", exchanged.Access)); got.Status != 200 {
		t.Errorf("revocation of a token in another client's family = %d %s, want 200", got.Status, got.Body)
	}
	s.WantLog("it belongs to another client's family, and ends with it")
	refresh = true
	s.Exchange(exchanger, "grant_type", testkit.VoucherType).WantJSONError(500, "server_error")
	testkit.Check(t, s.RevokeToken(t.Context(), testkit.ClaimsOf(t, tok.Access)["jti"].(string)))
	s.WantAdmits(exchanged.Access, false, "in a revoked family")
}

// A purpose is part of a one-time value: the same ID under two purposes is two values, and a
// custom value never equals a code.
func TestNeverRepeat_F14_PurposesAreSeparate(t *testing.T) {
	purpose := oauth.Purpose("")
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(_ context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{Subject: oauth.ForClient(), Spends: oauth.Spend{Purpose: purpose, ID: r.Form.Get("id"), Until: r.Time.Add(time.Hour)}}, nil
	})))
	c, web := s.Kiosk(), s.Web()
	code := s.Code(web)
	for _, p := range []oauth.Purpose{"a.code", "b.code"} {
		purpose = p
		for _, id := range []string{"1", code, string(oauth.DigestOf(code)), strings.Repeat("long", 1000)} {
			s.Exchange(c, "grant_type", testkit.VoucherType, "id", id).Tokens()
			s.Exchange(c, "grant_type", testkit.VoucherType, "id", id).WantJSONError(400, "invalid_grant")
		}
	}
	s.Redeem(web, code)
}

// A grant can change its request. The server still uses the original client and time.
func TestToken_GrantsCannotReplaceClientAndTime(t *testing.T) {
	var other *oauth.Client
	grant := testkit.GrantFunc(func(ctx context.Context, r *oauth.TokenRequest) (*oauth.Authorization, error) {
		r.Client, r.Time = other, r.Time.Add(10*time.Hour)
		return &oauth.Authorization{Subject: oauth.ForClient(), Scopes: []string{"read", "write"}}, nil
	})
	s := testkit.NewServer(t, testkit.WithGrants(grant))
	var err error
	if other, err = s.Store.Client(t.Context(), s.Web().ID); err != nil {
		t.Fatal(err)
	}
	c := s.Register(passport.Registration{GrantTypes: []string{testkit.VoucherType}, Scopes: []string{"read"}})
	token := s.Stored(t, &testkit.Issued{Access: s.Exchange(c, "grant_type", testkit.VoucherType).Tokens().Access})
	if token.Client.ID != c.ID || len(token.Scopes) != 1 || time.Until(token.IssuedAt) > time.Minute {
		t.Errorf("a grant replaced client and time: token of client %q with scopes %v at %v; want client %q, its scopes, and now",
			token.Client.ID, token.Scopes, token.IssuedAt, c.ID)
	}
}

// A nil pointer as an error is a fault of the application. It gives server_error and a log
// line, not a panic.
func TestToken_NilErrors(t *testing.T) {
	var none *oauth.Error
	var noReplay *oauth.ReplayError
	for what, err := range map[string]error{"*oauth.Error": none, "*oauth.ReplayError": noReplay, "a wrapped one": fmt.Errorf("ask: %w", none)} {
		grant := testkit.GrantFunc(func(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) { return nil, err })
		s := testkit.NewServer(t, testkit.WithGrants(grant))
		c := s.Register(passport.Registration{GrantTypes: []string{testkit.VoucherType}})
		s.Exchange(c, "grant_type", testkit.VoucherType).WantJSONError(500, "server_error")
		if !strings.Contains(s.Log.String(), "was returned as an error") {
			t.Errorf("%s: the log does not say that a nil error was returned", what)
		}
	}
}
