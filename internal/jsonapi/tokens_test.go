package jsonapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

// The list, byte by byte, as a front end for Laravel Passport expects it: behavior 1.5 of
// the contract.
func TestTokensAPI_NeverRepeat_C9_ResponsesByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.Numbers).WithAccounts("1")
		c := s.Register(passport.Registration{Name: "AC", RedirectURIs: []string{"https://example.com/cb", "http://127.0.0.1/cb"}})
		b := s.Browser().SignIn("1")
		b.Ask("GET", "/oauth/tokens").Want(200, `[]`)
		s.Redeem(c, b.Authorize(c, "scope", "write read").Allow().Code())
		id := s.TokenIDs(testkit.Ref("1"))[0]
		b.Ask("GET", "/oauth/tokens").Want(200, `[{"id":"`+id+`","user_id":1,"client_id":1,"name":null,"scopes":["write","read"],"revoked":false,`+
			`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z","expires_at":"2000-01-01T01:00:00.000000Z",`+
			`"client":{"id":1,"user_id":null,"name":"AC","provider":null,"redirect":"",`+
			`"personal_access_client":false,"password_client":false,"revoked":false,`+
			`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z",`+
			`"redirect_uris":[],"grant_types":["authorization_code","refresh_token"],"confidential":true}}]`)
		b.Ask("DELETE", "/oauth/tokens/"+id).Want(204, "")
		b.Ask("DELETE", "/oauth/tokens/"+id).Want(204, "")
		b.Ask("GET", "/oauth/tokens").Want(200, `[]`)
	})
}

// The list has the newest token of each app and consent, regardless of refreshes. An
// expired token is listed while the app can refresh it.
func TestTokensAPI_ListsOneItemForEachConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, func(c *passport.Config) { c.FamilyTTL = 10 * 24 * time.Hour })
		b := s.Browser().SignIn("alice")
		web, other := s.Web(), s.Register(passport.Registration{Name: "Other"})
		tokens := s.GrantTokens(web)
		for range 3 {
			time.Sleep(time.Minute)
			tokens = s.Refresh(web, tokens.Refresh).Tokens()
		}
		time.Sleep(time.Minute)
		s.GrantTokens(other)
		s.GrantTokens(web, "prompt", "consent") // a second one, in another browser
		all := s.TokenIDs(testkit.Ref("alice"))
		if got, want := b.Ask("GET", "/oauth/tokens").IDsIn(), all[3:]; !slices.Equal(got, want) {
			t.Errorf("the list is %q, want the newest token of each of three consents: %q", got, want)
		}
		time.Sleep(24 * time.Hour) // the access tokens have expired
		if got := b.Ask("GET", "/oauth/tokens").IDsIn(); !slices.Equal(got, all[3:]) {
			t.Errorf("a day later the list is %q, want %q, because the apps are still connected", got, all[3:])
		}
		time.Sleep(10 * 24 * time.Hour) // the consents have expired
		if got := b.Ask("GET", "/oauth/tokens").IDsIn(); len(got) != 0 {
			t.Errorf("the list is %q, want none, because no app is connected any longer", got)
		}
	})
}

// The list has only connected apps of the user.
func TestTokensAPI_ListsOnlyConnectedApps(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	b := s.Browser().SignIn("alice")
	s.GrantTokens(s.Web())
	want := b.Ask("GET", "/oauth/tokens").IDsIn()
	s.Personal("read")
	s.MachineToken(s.Machine())
	c := s.Web()
	s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
	s.Browser().SignIn("alice").Authorize(c).Allow().Code() // not redeemed
	if got := b.Ask("GET", "/oauth/tokens").IDsIn(); !slices.Equal(got, want) || len(want) != 1 {
		t.Errorf("the list is %q, want only %q", got, want)
	}
	// As in Laravel Passport, first-party clients for passwords are not listed.
	s.SignIn(s.Legacy(), "alice", testkit.PasswordOf("alice")).Tokens()
	if got := b.Ask("GET", "/oauth/tokens").IDsIn(); !slices.Equal(got, want) {
		t.Errorf("after a sign-in at a password client the list is %q, want only %q", got, want)
	}
}

// An exchanged token of another client joins the family of the first client. The list
// still has the first client's token.
func TestTokensAPI_TokenInAnotherClientsFamily(t *testing.T) {
	var joined *oauth.Family
	s := testkit.NewServer(t, testkit.WithGrants(testkit.GrantFunc(func(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{Subject: oauth.ForUser(testkit.Ref("alice")), Scopes: []string{"read"}, Family: joined}, nil
	})))
	s.GrantTokens(s.Web())
	b := s.Browser().SignIn("alice")
	want := b.Ask("GET", "/oauth/tokens").IDsIn()
	stored, err := s.Store.AccessToken(t.Context(), want[0])
	if err != nil {
		t.Fatal(err)
	}
	joined = stored.Family
	exchanged := s.Exchange(s.Kiosk(), "grant_type", testkit.VoucherType).Tokens()
	if got := b.Ask("GET", "/oauth/tokens").IDsIn(); !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
	b.Ask("DELETE", "/oauth/tokens/"+testkit.AsText(testkit.ClaimsOf(t, exchanged.Access)["jti"])).Want(204, "")
	if got := b.Ask("GET", "/oauth/tokens").IDsIn(); len(got) != 0 || s.Admits(exchanged.Access) {
		t.Errorf("the list after the deletion is %q, want none, and the guard must refuse the token", got)
	}
}

// Deleting any token of a consent, also an earlier one, ends all tokens of the consent at
// once, and no others. This holds for public clients too.
func TestTokensAPI_NeverRepeat_D2_D4_DeletingAnyTokenEndsTheConsent(t *testing.T) {
	for name, register := range map[string]func(*testkit.Server) *testkit.Client{"confidential": (*testkit.Server).Web, "D2 public": (*testkit.Server).Spa} {
		for which := range 3 {
			t.Run(fmt.Sprintf("%s client, token %d", name, which), func(t *testing.T) {
				s := testkit.NewServer(t)
				b, c := s.Browser().SignIn("alice"), register(s)
				first := s.GrantTokens(c)
				second := s.Refresh(c, first.Refresh).Tokens()
				third := s.Refresh(c, second.Refresh).Tokens()
				ids := s.TokenIDs(testkit.Ref("alice"))
				elsewhere, bobs := s.GrantTokens(c, "prompt", "consent"), s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())

				b.Ask("DELETE", "/oauth/tokens/"+ids[which]).Want(204, "")
				for i, access := range []string{first.Access, second.Access, third.Access} {
					if s.Admits(access) {
						t.Errorf("the guard admits token %d after a token of its consent was deleted", i)
					}
				}
				s.Refresh(c, third.Refresh).WantJSONError(400, "invalid_grant")
				if !s.Admits(elsewhere.Access) || !s.Admits(bobs.Access) {
					t.Error("deleting a token ended another consent")
				}
				b.Ask("DELETE", "/oauth/tokens/"+ids[which]).Want(204, "")
				if got := testkit.EventsOf[passport.Revoked](s); len(got) != 1 || got[0].TokenID != ids[which] {
					t.Errorf("Revoked events = %+v, want one for the token", got)
				}
			})
		}
	}
}

// As in Laravel Passport, a removed app needs a new consent. While another connection of
// the app is live, the consent is remembered.
func TestTokensAPI_RemovedAppNeedsConsent(t *testing.T) {
	s := testkit.NewServer(t)
	b, c := s.Browser().SignIn("alice"), s.Web()
	s.GrantTokens(c)
	s.GrantTokens(c, "prompt", "consent")
	ids := b.Ask("GET", "/oauth/tokens").IDsIn()
	b.Ask("DELETE", "/oauth/tokens/"+ids[0]).Want(204, "")
	other := s.Register(passport.Registration{Name: "Other"})
	s.GrantTokens(other) // does not affect the first client
	if a := b.Authorize(c, "prompt", "none"); a.Params().Get("code") == "" {
		t.Errorf("with another live connection: %s, want a code", a)
	}
	var requests []*http.Request
	for _, id := range ids { // a button that removes all of them
		r := b.Request("DELETE", "/oauth/tokens/"+id)
		for _, cookie := range b.Jar.Cookies(b.Origin()) {
			r.AddCookie(cookie)
		}
		requests = append(requests, r)
	}
	s.AtOnce(b, requests)
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
	b.Authorize(other, "prompt", "none").Code()
	if got := testkit.EventsOf[passport.ConsentWithdrawn](s); len(got) == 0 || got[0].User != testkit.Ref("alice") || got[0].ClientID != c.ID {
		t.Errorf("ConsentWithdrawn events = %+v, want one of alice for the client", got)
	}
}

// The removal of an app is one atomic write of the store.
func TestTokensAPI_FR_07_RemovingIsOneWrite(t *testing.T) {
	for _, verb := range []string{"TokensOf", "Consented", "RevokeToken", "RevokeFamily", "RevokeFamilies", "Withdraw", "Disconnect"} {
		t.Run(verb+" fails", func(t *testing.T) {
			var w testkit.WatchedStore
			s := testkit.NewServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
			b, c := s.Browser().SignIn("alice"), s.Web()
			tokens := s.GrantTokens(c)
			id := b.Ask("GET", "/oauth/tokens").IDsIn()[0]
			w.Failing(verb, oauth.ErrUnavailable)
			if verb == "Disconnect" {
				b.Ask("DELETE", "/oauth/tokens/"+id).Want(503, `{"message":"Service Unavailable"}`)
				w.Failing("", nil)
				if !s.Admits(tokens.Access) {
					t.Error("a failed removal ended the token")
				}
				if a := b.Authorize(c, "prompt", "none"); a.Params().Get("code") == "" {
					t.Errorf("a failed removal withdrew the consent: %s", a)
				}
				if got := len(testkit.EventsOf[passport.Revoked](s)) + len(testkit.EventsOf[passport.ConsentWithdrawn](s)); got != 0 {
					t.Errorf("%d events after a failed removal, want none", got)
				}
			}
			b.Ask("DELETE", "/oauth/tokens/"+id).Want(204, "")
			w.Failing("", nil)
			if s.Admits(tokens.Access) {
				t.Error("the guard admits the token after the removal")
			}
			b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
		})
	}
}

// After RevokeToken the consent is still remembered. Removing the revoked token withdraws
// it.
func TestTokensAPI_FR_07_RemovingARevokedTokenWithdraws(t *testing.T) {
	s := testkit.NewServer(t)
	b, c := s.Browser().SignIn("alice"), s.Web()
	s.GrantTokens(c)
	id := b.Ask("GET", "/oauth/tokens").IDsIn()[0]
	testkit.Check(t, s.RevokeToken(t.Context(), id))
	b.Authorize(c, "prompt", "none").Code() // this code ends with the consent too
	b.Ask("DELETE", "/oauth/tokens/"+id).Want(204, "")
	b.Authorize(c, "prompt", "none").WantRedirectError("consent_required")
}

// The response for another user's token, a client's own token and a missing token is the
// same, and the tokens stay valid.
func TestTokensAPI_NeverRepeat_D3_OtherTokensLookLikeMissingOnes(t *testing.T) {
	s := testkit.NewServer(t)
	c, machine := s.Web(), s.Machine()
	bobs := s.Redeem(c, s.Browser().SignIn("bob").Authorize(c).Allow().Code())
	own := s.MachineToken(machine)
	alice := s.Browser().SignIn("alice")
	for _, path := range []string{"/oauth/tokens/", "/oauth/personal-access-tokens/"} {
		for _, id := range []string{s.TokenIDs(testkit.Ref("bob"))[0], testkit.AsText(testkit.ClaimsOf(t, own)["jti"]), "missing", "%00", "%FF"} {
			alice.Ask("DELETE", path+id).Want(404, "")
		}
	}
	if !s.Admits(bobs.Access) || !s.Admits(own) {
		t.Error("alice revoked the token of another user or client")
	}
	s.Refresh(c, bobs.Refresh).Tokens()
}

// User 1 of one provider is never user 1 of another.
func TestTokensAPI_NeverRepeat_E11_E12_ProvidersAreApart(t *testing.T) {
	s, staff := testkit.WithStaff(t, "1")
	customer, clerk := s.Browser().SignIn("1"), staff.Browser().SignIn("1")
	shop, intranet := s.Web(), s.Register(passport.Registration{Provider: "staff"})
	customerTokens := s.Redeem(shop, customer.Authorize(shop).Allow().Code())
	clerkTokens := s.Redeem(intranet, clerk.Authorize(intranet).Allow().Code())
	customers, clerks := customer.Ask("GET", "/oauth/tokens").IDsIn(), clerk.Ask("GET", "/oauth/tokens").IDsIn()
	if len(customers) != 1 || len(clerks) != 1 || customers[0] == clerks[0] {
		t.Fatalf("the lists are %q and %q, want one different token each", customers, clerks)
	}
	customer.Ask("DELETE", "/oauth/tokens/"+clerks[0]).Want(404, "")
	clerk.Ask("DELETE", "/oauth/tokens/"+customers[0]).Want(404, "")
	s.Refresh(shop, customerTokens.Refresh).Tokens()
	s.Refresh(intranet, clerkTokens.Refresh).Tokens()
}

// After concurrent deletions and refreshes, no token is valid.
func TestTokensAPI_DeletingAgainstRefreshing(t *testing.T) {
	s := testkit.NewServer(t)
	c := s.Web()
	b := s.Browser().SignIn("alice")
	tokens := s.GrantTokens(c)
	id := s.TokenIDs(testkit.Ref("alice"))[0]
	requests := make([]*http.Request, 16)
	for i := range requests {
		requests[i] = b.Request("DELETE", "/oauth/tokens/"+id)
		for _, cookie := range b.Jar.Cookies(b.Origin()) {
			requests[i].AddCookie(cookie)
		}
	}
	next := make(chan int, 64)
	for i := range 64 {
		next <- i
	}
	responses := testkit.Parallel(64, func() *testkit.Response {
		if i := <-next; i%4 == 0 {
			return s.Do(requests[i/4])
		}
		return s.Refresh(c, tokens.Refresh)
	})
	for _, a := range responses {
		switch a.Status {
		case 204, 400:
		case 200:
			got := a.Tokens()
			if s.Admits(got.Access) {
				t.Error("the guard admits an access token that was issued during the deletion")
			}
			s.Refresh(c, got.Refresh).WantJSONError(400, "invalid_grant")
		default:
			t.Errorf("response = %d %s", a.Status, a.Body)
		}
	}
}

// The audit log has the user who revokes a token as the actor.
func TestTokensAPI_AuditLogNamesTheUser(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithAudit)
	b := s.Browser().SignIn("alice")
	s.GrantTokens(s.Web())
	b.Ask("DELETE", "/oauth/tokens/"+b.Ask("GET", "/oauth/tokens").IDsIn()[0]).Want(204, "")
	log, _ := oauth.StoreAs[oauth.AuditStore](s.Store)
	var got []string
	for record, err := range log.AuditLog(t.Context(), time.Time{}) {
		testkit.Check(t, err)
		got = append(got, record.Actor+" "+record.Action)
	}
	if want := []string{"users:alice token.revoked", "users:alice consent.withdrawn"}; !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("the audit log ends with %q, want %q", got, want)
	}
}

// The list has the scopes in their configured order, without *.
func TestScopesAPI_ListsThemInOrder(t *testing.T) {
	s := testkit.NewServer(t)
	s.Browser().SignIn("alice").Ask("GET", "/oauth/scopes").Want(200, `[{"id":"read","description":"Read your orders"},`+
		`{"id":"write","description":"Place orders for you"},{"id":"admin","description":"Administer the shop"}]`)
	none := s.Restart(func(c *passport.Config) { c.Scopes = nil })
	none.Browser().SignIn("alice").Ask("GET", "/oauth/scopes").Want(200, `[]`)
}
