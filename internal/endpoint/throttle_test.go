package endpoint_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/internal/testkit"
	"github.com/go-passport/passport/oauth"
)

const (
	here      = "198.51.100.7"
	elsewhere = "203.0.113.9"
)

// TK-14: who guesses at a client's secret is slowed down by client and address; the
// right secret still works from elsewhere (OAuth 2.1 §2.5.1).
func TestThrottle_TK_14_OP_08_ClientSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, other := s.Machine(), s.Machine()
		for i := range passport.ClientFailures {
			if a := s.MachineFrom(elsewhere, c, fmt.Sprint("guess", i)); a.Status != 401 || a.Header.Get("WWW-Authenticate") == "" {
				t.Fatalf("failure %d: %s, want invalid_client with a challenge", i, a)
			}
		}
		a := s.MachineFrom(elsewhere, c, "one more")
		wait := a.WantThrottled("invalid_client")
		if a.Header.Get("RateLimit-Policy") != `"failures";q=10;w=600` || a.Header.Get("RateLimit") != fmt.Sprintf(`"failures";r=0;t=%d`, int(wait.Seconds())) {
			t.Errorf("RateLimit headers %v", a.Header)
		}
		if wrong := a.Body; s.MachineFrom(elsewhere, c, c.Secret).Body != wrong {
			t.Error("the right secret stands out among the guesses")
		}
		s.MachineFrom(here, c, c.Secret).Tokens()              // from elsewhere
		s.MachineFrom(elsewhere, other, other.Secret).Tokens() // another client
		time.Sleep(wait)
		s.MachineFrom(elsewhere, c, c.Secret).Tokens()
		s.WantBlameless()
	})
}

// An unknown client, a suspended one and a wrong secret look alike to the end, or
// the throttle would tell which clients there are.
func TestThrottle_NeverRepeat_C4_TK_13_UnknownClientsLookTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		suspended, spa := s.Web(), s.Spa()
		s.Suspend(suspended)
		known, unknown := s.Machine(), &testkit.Client{Client: &oauth.Client{ID: "no-such-client"}}
		var answers [4]string
		for i, tt := range []struct {
			c      *testkit.Client
			secret string
		}{{known, "wrong"}, {unknown, "wrong"}, {suspended, suspended.Secret}, {spa, "wrong"}} {
			address := fmt.Sprintf("198.51.100.%d", i)
			for range 2 * passport.ClientFailures {
				a := s.MachineFrom(address, tt.c, tt.secret)
				answers[i] += fmt.Sprint(a.Status, a.Body, a.Header.Get("Retry-After"))
			}
		}
		for i, got := range answers {
			if got != answers[0] || !strings.Contains(got, "429") {
				t.Errorf("client %d: %s, want what a wrong secret gets: %s", i, got, answers[0])
			}
		}
	})
}

// Only failures cost: a client that asks all day, a public one, and a store that is
// out of reach are not slowed down.
func TestThrottle_OnlyFailuresCost(t *testing.T) {
	s, store := testkit.Watched(t)
	c, spa := s.Machine(), s.Spa()
	for range 300 {
		s.MachineFrom(here, c, c.Secret).Tokens()
		s.SendFrom(here, "grant_type=refresh_token&refresh_token=x&client_id="+spa.ID).WantJSONError(400, "invalid_grant")
	}
	store.Failing("Client", fmt.Errorf("dial: %w", oauth.ErrUnavailable))
	for range 300 {
		s.MachineFrom(here, c, "wrong").WantJSONError(503, "temporarily_unavailable")
	}
	store.Failing("", nil)
	s.MachineFrom(here, c, "wrong").WantJSONError(401, "invalid_client")
	for range 300 { // what is no authentication is no guess
		s.SendFrom(here, "grant_type=client_credentials").WantJSONError(401, "invalid_client")
	}
	s.MachineFrom(here, c, c.Secret).Tokens()
}

// One address that tries client after client is slowed down, who succeeded there
// before is not.
func TestThrottle_OP_08_ManyClientsFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, late := s.Machine(), s.Machine()
		s.MachineFrom(here, c, c.Secret).Tokens()
		told := 0
		for i := range 2 * passport.AddressFailures {
			unknown := &testkit.Client{Client: &oauth.Client{ID: fmt.Sprint("client", i)}}
			if s.MachineFrom(here, unknown, "x").Status == 401 {
				told++
			}
		}
		if told != passport.AddressFailures {
			t.Errorf("%d guesses were told, want %d", told, passport.AddressFailures)
		}
		s.MachineFrom(here, c, c.Secret).Tokens()
		wait := s.MachineFrom(here, late, late.Secret).WantThrottled("invalid_client")
		s.MachineFrom(elsewhere, late, late.Secret).Tokens()
		time.Sleep(wait)
		s.MachineFrom(here, late, late.Secret).Tokens()
	})
}

// Of guesses at once no more are told than of guesses one by one.
func TestThrottle_NeverRepeat_A1_InParallel(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c, legacy := s.Machine(), s.Legacy()
	count := func(status int, answers []*testkit.Response) (n int) {
		for _, a := range answers {
			if a.Status == status {
				n++
			}
		}
		return n
	}
	if told := count(401, testkit.Parallel(100, func() *testkit.Response { return s.MachineFrom(here, c, "wrong") })); told != passport.ClientFailures {
		t.Errorf("%d of 100 guesses at a secret at once were told, want %d", told, passport.ClientFailures)
	}
	s.Users.During = func() { time.Sleep(time.Millisecond) }
	if told := count(400, testkit.Parallel(100, func() *testkit.Response { return s.SignIn(legacy, "alice", "wrong") })); told != passport.PasswordFailures {
		t.Errorf("%d of 100 guesses at a password at once were told, want %d", told, passport.PasswordFailures)
	}
}

// The password grant is throttled by user name and address. What is throttled is
// not looked at: checking a password is slow on purpose.
func TestThrottle_OP_08_Passwords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords)
		c := s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
		from := func(address, username, password string) *testkit.Response {
			return s.SendFrom(address, "grant_type=password&client_id="+c.ID+"&username="+username+"&password="+password)
		}
		for range passport.PasswordFailures {
			from(elsewhere, "alice", "wrong").WantJSONError(400, "invalid_grant")
		}
		checked := s.Users.Checked
		wait := from(elsewhere, "alice", "wrong").WantThrottled("invalid_grant")
		from(elsewhere, "alice", testkit.PasswordOf("alice")).WantThrottled("invalid_grant")
		if s.Users.Checked != checked {
			t.Error("a password was checked that would not have been answered")
		}
		from(here, "alice", testkit.PasswordOf("alice")).Tokens()
		from(elsewhere, "bob", testkit.PasswordOf("bob")).Tokens()
		time.Sleep(wait)
		from(elsewhere, "alice", testkit.PasswordOf("alice")).Tokens() // and all is forgotten:
		for range passport.PasswordFailures {
			from(elsewhere, "alice", "wrong").WantJSONError(400, "invalid_grant")
		}
		from(elsewhere, "alice", "wrong").WantThrottled("invalid_grant")
		s.WantBlameless()
	})
}

// A user name that is guessed at from everywhere is slowed down; its owner is not
// kept out where he signed in before.
func TestThrottle_OP_08_OneUserFromManyAddresses(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
	from := func(address, password string) *testkit.Response {
		return s.SendFrom(address, "grant_type=password&client_id="+c.ID+"&username=alice&password="+password)
	}
	from(here, testkit.PasswordOf("alice")).Tokens()
	told := 0
	for i := range 2 * passport.UserFailures {
		if from(fmt.Sprintf("203.0.%d.1", i), "wrong").Status == 400 {
			told++
		}
	}
	if told != passport.UserFailures {
		t.Errorf("%d guesses from as many addresses were told, want %d", told, passport.UserFailures)
	}
	from("192.0.2.99", testkit.PasswordOf("alice")).WantThrottled("invalid_grant")
	from(here, testkit.PasswordOf("alice")).Tokens()
}

// Each spelling that may be the same account shares a counter, at each client of
// one provider; the users of another provider have their own.
func TestThrottle_NeverRepeat_F2_Spellings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts("alice")}
		})
		clients := []*testkit.Client{s.Legacy(), s.Legacy(), s.Legacy(func(r *passport.Registration) { r.Provider = "users" })}
		spellings := []string{"alice", "Alice", " alice", "ALICE ", "al\u200bice", "alice\u00a0", "\u202ealice", "aLiCe", "àlice", "a\u0301lice", "\uff41\uff4c\uff49\uff43\uff45", "ALÍĈE", "aĺicẽ"}
		told := 0
		for i := range 10 * len(spellings) {
			if s.SignIn(clients[i%3], spellings[i%len(spellings)], "wrong").Status == 400 {
				told++
			}
		}
		if told != passport.PasswordFailures {
			t.Errorf("%d guesses in several spellings were told, want %d", told, passport.PasswordFailures)
		}
		staff := s.Legacy(func(r *passport.Registration) { r.Provider = "staff" })
		s.SignIn(staff, "alice", testkit.PasswordOf("alice")).Tokens()
	})
}

// The server of a confidential client speaks for all of its users: many who mistype
// do not hold up one who does not. The browser of a public one speaks for one.
func TestThrottle_ManyUsersBehindOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords)
		backend, app := s.Legacy(), s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
		for i := range 2 * passport.AddressFailures {
			s.SignIn(backend, fmt.Sprint("user", i), "wrong").WantJSONError(400, "invalid_grant")
		}
		s.SignIn(backend, "alice", testkit.PasswordOf("alice")).Tokens()
		told := 0
		for i := range 2 * passport.AddressFailures {
			if s.SignIn(app, fmt.Sprint("person", i), "wrong").Status == 400 {
				told++
			}
		}
		if told != passport.AddressFailures {
			t.Errorf("%d user names were tried from one address, want %d", told, passport.AddressFailures)
		}
	})
}

// A proxy that writes ports does not make one address of all clients, nor one of
// each connection.
func TestThrottle_FR_20_PortsInForwardedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const proxy = "192.0.2.80"
		s := testkit.NewServer(t, func(c *passport.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy + "/32")} })
		c := s.Machine()
		from := func(forwarded, secret string) *testkit.Response {
			return s.SendFrom(proxy, "grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, secret), "X-Forwarded-For", forwarded)
		}
		for i := range 2 * passport.ClientFailures {
			from(fmt.Sprintf("%s:%d", elsewhere, 40_000+i), "wrong")
		}
		from(elsewhere+":51234", c.Secret).WantThrottled("invalid_client")
		from(here+":51234", c.Secret).Tokens()
		from("[2001:db8::1]:51234", c.Secret).Tokens()
	})
}

// The address is that which a trusted proxy reports, and no other.
func TestThrottle_OP_01_TrustedProxies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const proxy = "192.0.2.80"
		s := testkit.NewServer(t, func(c *passport.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy + "/32")} })
		c := s.Machine()
		from := func(address, forwarded, secret string) *testkit.Response {
			return s.SendFrom(address, "grant_type=client_credentials", "Authorization", testkit.Basic(c.ID, secret), "X-Forwarded-For", forwarded)
		}
		for range 2 * passport.ClientFailures {
			from(proxy, elsewhere, "wrong")
		}
		from(proxy, elsewhere, c.Secret).WantThrottled("invalid_client")
		from(proxy, here, c.Secret).Tokens()
		for i := range 2 * passport.ClientFailures { // a stranger who writes the header himself
			from("203.0.113.50", fmt.Sprintf("10.0.0.%d", i), "wrong")
		}
		from("203.0.113.50", here, c.Secret).WantThrottled("invalid_client")
	})
}
