package passport_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

// tokenIDs returns the IDs of an account's tokens, oldest first.
func (s *server) tokenIDs(user oauth.UserRef) (ids []string) {
	s.t.Helper()
	for t, err := range s.Tokens(s.t.Context(), user) {
		check(s.t, err)
		ids = append(ids, t.ID)
	}
	return ids
}

// The list byte by byte, as a front end that was written for Laravel Passport
// reads it: behaviour 1.5 of its contract.
func TestTokensAPI_NeverRepeat_C9_AnswersByteByByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, numbers).withAccounts("1")
		c := s.register(passport.Registration{Name: "AC", RedirectURIs: []string{"https://example.com/cb", "http://127.0.0.1/cb"}})
		b := s.browser().signIn("1")
		b.ask("GET", "/oauth/tokens").want(200, `[]`)
		s.redeem(c, b.authorize(c, "scope", "write read").allow().code())
		id := s.tokenIDs(ref("1"))[0]
		b.ask("GET", "/oauth/tokens").want(200, `[{"id":"`+id+`","user_id":1,"client_id":1,"name":null,"scopes":["write","read"],"revoked":false,`+
			`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z","expires_at":"2000-01-01T01:00:00.000000Z",`+
			`"client":{"id":1,"user_id":null,"name":"AC","provider":null,"redirect":"https://example.com/cb,http://127.0.0.1/cb",`+
			`"personal_access_client":false,"password_client":false,"revoked":false,`+
			`"created_at":"2000-01-01T00:00:00.000000Z","updated_at":"2000-01-01T00:00:00.000000Z",`+
			`"redirect_uris":["https://example.com/cb","http://127.0.0.1/cb"],"grant_types":["authorization_code","refresh_token"],"confidential":true}}]`)
		b.ask("DELETE", "/oauth/tokens/"+id).want(204, "")
		b.ask("DELETE", "/oauth/tokens/"+id).want(204, "")
		b.ask("GET", "/oauth/tokens").want(200, `[]`)
	})
}

// One item for each app and consent, however often it has refreshed: the newest
// token. An expired one too, while a refresh would bring another.
func TestTokensAPI_ListsOneItemForEachConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *passport.Config) { c.FamilyTTL = 10 * 24 * time.Hour })
		b := s.browser().signIn("alice")
		web, other := s.web(), s.register(passport.Registration{Name: "Other"})
		tokens := s.grantTokens(web)
		for range 3 {
			time.Sleep(time.Minute)
			tokens = s.refresh(web, tokens.Refresh).tokens()
		}
		time.Sleep(time.Minute)
		s.grantTokens(other)
		s.grantTokens(web, "prompt", "consent") // a second one, in another browser
		all := s.tokenIDs(ref("alice"))
		if got, want := b.ask("GET", "/oauth/tokens").idsIn(), all[3:]; !slices.Equal(got, want) {
			t.Errorf("the list is %q, want the newest of each of three consents: %q", got, want)
		}
		time.Sleep(24 * time.Hour) // the access tokens have expired
		if got := b.ask("GET", "/oauth/tokens").idsIn(); !slices.Equal(got, all[3:]) {
			t.Errorf("a day later the list is %q, want %q: the apps are still connected", got, all[3:])
		}
		time.Sleep(10 * 24 * time.Hour) // the consents have come to their end
		if got := b.ask("GET", "/oauth/tokens").idsIn(); len(got) != 0 {
			t.Errorf("the list is %q, want nothing: no app is connected any more", got)
		}
	})
}

// What is not an app that the user has connected is not in the list.
func TestTokensAPI_LeavesOutWhatIsNoConnectedApp(t *testing.T) {
	s := newServer(t, withPasswords)
	b := s.browser().signIn("alice")
	s.grantTokens(s.web())
	want := b.ask("GET", "/oauth/tokens").idsIn()
	s.personal("read")
	s.machineToken(s.machine())
	c := s.web()
	s.redeem(c, s.browser().signIn("bob").authorize(c).allow().code())
	s.browser().signIn("alice").authorize(c).allow().code() // not redeemed
	if got := b.ask("GET", "/oauth/tokens").idsIn(); !slices.Equal(got, want) || len(want) != 1 {
		t.Errorf("the list is %q, want %q alone", got, want)
	}
	// The application's own: those that may have a user's password, as in Passport.
	s.signIn(s.legacy(), "alice", passwordOf("alice")).tokens()
	if got := b.ask("GET", "/oauth/tokens").idsIn(); !slices.Equal(got, want) {
		t.Errorf("with one of a password client the list is %q, want %q alone", got, want)
	}
}

// A token that another client got in exchange has joined the consent of the first
// and is not in its place in the list.
func TestTokensAPI_ATokenThatJoinedAnotherClientsConsent(t *testing.T) {
	var joined *oauth.Family
	s := newServer(t, withGrants(grantFunc(func(context.Context, *oauth.TokenRequest) (*oauth.Authorization, error) {
		return &oauth.Authorization{Subject: oauth.ForUser(ref("alice")), Scopes: []string{"read"}, Family: joined}, nil
	})))
	s.grantTokens(s.web())
	b := s.browser().signIn("alice")
	want := b.ask("GET", "/oauth/tokens").idsIn()
	stored, err := s.store.AccessToken(t.Context(), want[0])
	if err != nil {
		t.Fatal(err)
	}
	joined = stored.Family
	exchanged := s.exchange(s.kiosk(), "grant_type", voucherType).tokens()
	if got := b.ask("GET", "/oauth/tokens").idsIn(); !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
	b.ask("DELETE", "/oauth/tokens/"+asText(claimsOf(t, exchanged.Access)["jti"])).want(204, "")
	if got := b.ask("GET", "/oauth/tokens").idsIn(); len(got) != 0 || s.admits(exchanged.Access) {
		t.Errorf("deleting it has left %q", got)
	}
}

// Whichever of its tokens is named, an expired or an earlier one too: everything
// of that consent ends at once, for public clients as well, and nothing else.
func TestTokensAPI_NeverRepeat_D2_D4_DeletingAnyTokenEndsTheConsent(t *testing.T) {
	for name, register := range map[string]func(*server) *client{"confidential": (*server).web, "D2 public": (*server).spa} {
		for which := range 3 {
			t.Run(fmt.Sprintf("%s client, token %d", name, which), func(t *testing.T) {
				s := newServer(t)
				b, c := s.browser().signIn("alice"), register(s)
				first := s.grantTokens(c)
				second := s.refresh(c, first.Refresh).tokens()
				third := s.refresh(c, second.Refresh).tokens()
				ids := s.tokenIDs(ref("alice"))
				elsewhere, bobs := s.grantTokens(c, "prompt", "consent"), s.redeem(c, s.browser().signIn("bob").authorize(c).allow().code())

				b.ask("DELETE", "/oauth/tokens/"+ids[which]).want(204, "")
				for i, access := range []string{first.Access, second.Access, third.Access} {
					if s.admits(access) {
						t.Errorf("token %d is admitted after it, or one of the same consent, was deleted", i)
					}
				}
				s.refresh(c, third.Refresh).wantJSONError(400, "invalid_grant")
				if !s.admits(elsewhere.Access) || !s.admits(bobs.Access) {
					t.Error("deleting a token has ended another consent")
				}
				b.ask("DELETE", "/oauth/tokens/"+ids[which]).want(204, "")
				if got := eventsOf[passport.Revoked](s); len(got) != 1 || got[0].TokenID != ids[which] {
					t.Errorf("the application was told %+v, want that the token was revoked, once", got)
				}
			})
		}
	}
}

// Who removes an app is asked again when it comes back, as in Passport. While
// another of its consents lives, what was allowed is remembered.
func TestTokensAPI_WhoRemovedAnAppIsAskedAgain(t *testing.T) {
	s := newServer(t)
	b, c := s.browser().signIn("alice"), s.web()
	s.grantTokens(c)
	s.grantTokens(c, "prompt", "consent")
	ids := b.ask("GET", "/oauth/tokens").idsIn()
	b.ask("DELETE", "/oauth/tokens/"+ids[0]).want(204, "")
	other := s.register(passport.Registration{Name: "Other"})
	s.grantTokens(other) // says nothing of this one
	if a := b.authorize(c, "prompt", "none"); a.params().Get("code") == "" {
		t.Errorf("the app is connected elsewhere and gets %s, want a code", a)
	}
	var requests []*http.Request
	for _, id := range ids { // a button that removes all of them
		r := b.request("DELETE", "/oauth/tokens/"+id)
		for _, cookie := range b.jar.Cookies(b.origin()) {
			r.AddCookie(cookie)
		}
		requests = append(requests, r)
	}
	s.atOnce(b, requests)
	b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
	b.authorize(other, "prompt", "none").code()
	if got := eventsOf[passport.ConsentWithdrawn](s); len(got) == 0 || got[0].User != ref("alice") || got[0].ClientID != c.ID {
		t.Errorf("the application was told %+v, want that alice has withdrawn her consent", got)
	}
}

// When the store fails halfway, the app is not forgotten, and the next try does
// what is left.
func TestTokensAPI_RemovingAgainAfterAFailure(t *testing.T) {
	var w watchedStore
	s := newServer(t, func(c *passport.Config) { w.Store = c.Store; c.Store = &w })
	b, c := s.browser().signIn("alice"), s.web()
	tokens := s.grantTokens(c)
	id := b.ask("GET", "/oauth/tokens").idsIn()[0]
	w.failing("Withdraw", oauth.ErrUnavailable)
	b.ask("DELETE", "/oauth/tokens/"+id).want(503, `{"message":"Service Unavailable"}`)
	if s.admits(tokens.Access) {
		t.Error("the token lives on")
	}
	w.failing("", nil)
	b.ask("DELETE", "/oauth/tokens/"+id).want(204, "")
	b.authorize(c, "prompt", "none").wantRedirectError("consent_required")
}

// Another's token, a machine's and one that is not there are answered alike, and
// stay alive.
func TestTokensAPI_NeverRepeat_D3_ForeignTokensAnswerLikeMissingOnes(t *testing.T) {
	s := newServer(t)
	c, machine := s.web(), s.machine()
	bobs := s.redeem(c, s.browser().signIn("bob").authorize(c).allow().code())
	own := s.machineToken(machine)
	alice := s.browser().signIn("alice")
	for _, path := range []string{"/oauth/tokens/", "/oauth/personal-access-tokens/"} {
		for _, id := range []string{s.tokenIDs(ref("bob"))[0], asText(claimsOf(t, own)["jti"]), "missing", "%00", "%FF"} {
			alice.ask("DELETE", path+id).want(404, "")
		}
	}
	if !s.admits(bobs.Access) || !s.admits(own) {
		t.Error("alice has ended a token that is not hers")
	}
	s.refresh(c, bobs.Refresh).tokens()
}

// User 1 of one provider is never user 1 of another.
func TestTokensAPI_NeverRepeat_E11_E12_ProvidersAreApart(t *testing.T) {
	s, staff := withStaff(t, "1")
	customer, clerk := s.browser().signIn("1"), staff.browser().signIn("1")
	shop, intranet := s.web(), s.register(passport.Registration{Provider: "staff"})
	hers := s.redeem(shop, customer.authorize(shop).allow().code())
	his := s.redeem(intranet, clerk.authorize(intranet).allow().code())
	customers, clerks := customer.ask("GET", "/oauth/tokens").idsIn(), clerk.ask("GET", "/oauth/tokens").idsIn()
	if len(customers) != 1 || len(clerks) != 1 || customers[0] == clerks[0] {
		t.Fatalf("the lists are %q and %q, want one token each, and not the same", customers, clerks)
	}
	customer.ask("DELETE", "/oauth/tokens/"+clerks[0]).want(404, "")
	clerk.ask("DELETE", "/oauth/tokens/"+customers[0]).want(404, "")
	s.refresh(shop, hers.Refresh).tokens()
	s.refresh(intranet, his.Refresh).tokens()
}

// Deleting and refreshing at once, by 64 goroutines: nothing lives on.
func TestTokensAPI_DeletingAgainstRefreshing(t *testing.T) {
	s := newServer(t)
	c := s.web()
	b := s.browser().signIn("alice")
	tokens := s.grantTokens(c)
	id := s.tokenIDs(ref("alice"))[0]
	requests := make([]*http.Request, 16)
	for i := range requests {
		requests[i] = b.request("DELETE", "/oauth/tokens/"+id)
		for _, cookie := range b.jar.Cookies(b.origin()) {
			requests[i].AddCookie(cookie)
		}
	}
	next := make(chan int, 64)
	for i := range 64 {
		next <- i
	}
	answers := parallel(64, func() *answer {
		if i := <-next; i%4 == 0 {
			return s.do(requests[i/4])
		}
		return s.refresh(c, tokens.Refresh)
	})
	for _, a := range answers {
		switch a.status {
		case 204, 400:
		case 200:
			got := a.tokens()
			if s.admits(got.Access) {
				t.Error("an access token that was issued meanwhile lives on")
			}
			s.refresh(c, got.Refresh).wantJSONError(400, "invalid_grant")
		default:
			t.Errorf("an answer is %d %s", a.status, a.body)
		}
	}
}

// Whoever revokes a token stands in the audit log.
func TestTokensAPI_AuditLogNamesTheUser(t *testing.T) {
	s := newServer(t, withAudit)
	b := s.browser().signIn("alice")
	s.grantTokens(s.web())
	b.ask("DELETE", "/oauth/tokens/"+b.ask("GET", "/oauth/tokens").idsIn()[0]).want(204, "")
	log, _ := oauth.StoreAs[oauth.AuditStore](s.store)
	var got []string
	for record, err := range log.AuditLog(t.Context(), time.Time{}) {
		check(t, err)
		got = append(got, record.Actor+" "+record.Action)
	}
	if want := []string{"users:alice token.revoked", "users:alice consent.withdrawn"}; !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("the log ends with %q, want %q", got, want)
	}
}

// The scopes in the order in which they are registered, without the one that
// stands for all.
func TestScopesAPI_ListsThemInOrder(t *testing.T) {
	s := newServer(t)
	s.browser().signIn("alice").ask("GET", "/oauth/scopes").want(200, `[{"id":"read","description":"Read your orders"},`+
		`{"id":"write","description":"Place orders for you"},{"id":"admin","description":"Administer the shop"}]`)
	none := s.restart(func(c *passport.Config) { c.Scopes = nil })
	none.browser().signIn("alice").ask("GET", "/oauth/scopes").want(200, `[]`)
}
