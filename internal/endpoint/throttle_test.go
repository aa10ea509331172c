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

// TK-14: guesses of a client's secret are throttled by client and address. The right
// secret still works from another address (OAuth 2.1 §2.5.1).
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
			t.Errorf("RateLimit headers = %v", a.Header)
		}
		if wrong := a.Body; s.MachineFrom(elsewhere, c, c.Secret).Body != wrong {
			t.Error("the response to the right secret differs from those to guesses")
		}
		s.MachineFrom(here, c, c.Secret).Tokens()              // another address
		s.MachineFrom(elsewhere, other, other.Secret).Tokens() // another client
		time.Sleep(wait)
		s.MachineFrom(elsewhere, c, c.Secret).Tokens()
		s.WantBlameless()
	})
}

// The responses for an unknown client, a suspended client and a wrong secret are the
// same, also when they are throttled. Otherwise an attacker could find out which clients
// exist.
func TestThrottle_NeverRepeat_C4_TK_13_UnknownClientsGetTheSameResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		suspended, spa := s.Web(), s.Spa()
		s.Suspend(suspended)
		known, unknown := s.Machine(), &testkit.Client{Client: &oauth.Client{ID: "no-such-client"}}
		var responses [4]string
		for i, tt := range []struct {
			c      *testkit.Client
			secret string
		}{{known, "wrong"}, {unknown, "wrong"}, {suspended, suspended.Secret}, {spa, "wrong"}} {
			address := fmt.Sprintf("198.51.100.%d", i)
			for range 2 * passport.ClientFailures {
				a := s.MachineFrom(address, tt.c, tt.secret)
				responses[i] += fmt.Sprint(a.Status, a.Body, a.Header.Get("Retry-After"))
			}
		}
		for i, got := range responses {
			if got != responses[0] || !strings.Contains(got, "429") {
				t.Errorf("client %d: %s, want the responses to a wrong secret: %s", i, got, responses[0])
			}
		}
	})
}

// Only failures count. Many requests of a client, public clients, and an unavailable
// store are not throttled.
func TestThrottle_OnlyFailuresCount(t *testing.T) {
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
	for range 300 { // a request without credentials is not a guess
		s.SendFrom(here, "grant_type=client_credentials").WantJSONError(401, "invalid_client")
	}
	s.MachineFrom(here, c, c.Secret).Tokens()
}

// An address that tries many clients is throttled, except for clients that succeeded
// from there before.
func TestThrottle_OP_08_ManyClientsFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t)
		c, late := s.Machine(), s.Machine()
		s.MachineFrom(here, c, c.Secret).Tokens()
		checked := 0
		for i := range 2 * passport.AddressFailures {
			unknown := &testkit.Client{Client: &oauth.Client{ID: fmt.Sprint("client", i)}}
			if s.MachineFrom(here, unknown, "x").Status == 401 {
				checked++
			}
		}
		if checked != passport.AddressFailures {
			t.Errorf("%d guesses were checked, want %d", checked, passport.AddressFailures)
		}
		s.MachineFrom(here, c, c.Secret).Tokens()
		wait := s.MachineFrom(here, late, late.Secret).WantThrottled("invalid_client")
		s.MachineFrom(elsewhere, late, late.Secret).Tokens()
		time.Sleep(wait)
		s.MachineFrom(here, late, late.Secret).Tokens()
	})
}

// Concurrent guesses count the same as sequential ones.
func TestThrottle_NeverRepeat_A1_ConcurrentGuesses(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c, legacy := s.Machine(), s.Legacy()
	count := func(status int, responses []*testkit.Response) (n int) {
		for _, a := range responses {
			if a.Status == status {
				n++
			}
		}
		return n
	}
	if checked := count(401, testkit.Parallel(100, func() *testkit.Response { return s.MachineFrom(here, c, "wrong") })); checked != passport.ClientFailures {
		t.Errorf("%d of 100 concurrent guesses of a secret were checked, want %d", checked, passport.ClientFailures)
	}
	s.Users.During = func() { time.Sleep(time.Millisecond) }
	if checked := count(400, testkit.Parallel(100, func() *testkit.Response { return s.SignIn(legacy, "alice", "wrong") })); checked != passport.PasswordFailures {
		t.Errorf("%d of 100 concurrent guesses of a password were checked, want %d", checked, passport.PasswordFailures)
	}
}

// The password grant is throttled by user name and address. A throttled password is not
// checked, because the check is slow on purpose.
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
			t.Error("a throttled password was checked")
		}
		from(here, "alice", testkit.PasswordOf("alice")).Tokens()
		from(elsewhere, "bob", testkit.PasswordOf("bob")).Tokens()
		time.Sleep(wait)
		from(elsewhere, "alice", testkit.PasswordOf("alice")).Tokens() // which resets the counter:
		for range passport.PasswordFailures {
			from(elsewhere, "alice", "wrong").WantJSONError(400, "invalid_grant")
		}
		from(elsewhere, "alice", "wrong").WantThrottled("invalid_grant")
		s.WantBlameless()
	})
}

// Guesses of one user's password from many addresses are throttled. The user can still
// sign in from an address with an earlier success.
func TestThrottle_OP_08_OneUserFromManyAddresses(t *testing.T) {
	s := testkit.NewServer(t, testkit.WithPasswords)
	c := s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
	from := func(address, password string) *testkit.Response {
		return s.SendFrom(address, "grant_type=password&client_id="+c.ID+"&username=alice&password="+password)
	}
	from(here, testkit.PasswordOf("alice")).Tokens()
	checked := 0
	for i := range 2 * passport.UserFailures {
		if from(fmt.Sprintf("203.0.%d.1", i), "wrong").Status == 400 {
			checked++
		}
	}
	if checked != passport.UserFailures {
		t.Errorf("%d guesses from different addresses were checked, want %d", checked, passport.UserFailures)
	}
	from("192.0.2.99", testkit.PasswordOf("alice")).WantThrottled("invalid_grant")
	from(here, testkit.PasswordOf("alice")).Tokens()
}

// Spellings that may name the same account share a counter, at all clients of a provider.
// The users of another provider have their own counters.
func TestThrottle_NeverRepeat_F2_Spellings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords, func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"staff": testkit.NewAccounts("alice")}
		})
		clients := []*testkit.Client{s.Legacy(), s.Legacy(), s.Legacy(func(r *passport.Registration) { r.Provider = "users" })}
		spellings := []string{"alice", "Alice", " alice", "ALICE ", "al\u200bice", "alice\u00a0", "\u202ealice", "aLiCe", "àlice", "a\u0301lice", "\uff41\uff4c\uff49\uff43\uff45", "ALÍĈE", "aĺicẽ"}
		checked := 0
		for i := range 10 * len(spellings) {
			if s.SignIn(clients[i%3], spellings[i%len(spellings)], "wrong").Status == 400 {
				checked++
			}
		}
		if checked != passport.PasswordFailures {
			t.Errorf("%d guesses in several spellings were checked, want %d", checked, passport.PasswordFailures)
		}
		staff := s.Legacy(func(r *passport.Registration) { r.Provider = "staff" })
		s.SignIn(staff, "alice", testkit.PasswordOf("alice")).Tokens()
	})
}

// A confidential client sends the requests of all its users from one address, so failures
// of many users do not throttle the others. An address of a public client is throttled.
func TestThrottle_ManyUsersBehindOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testkit.NewServer(t, testkit.WithPasswords)
		backend, app := s.Legacy(), s.Legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
		for i := range 2 * passport.AddressFailures {
			s.SignIn(backend, fmt.Sprint("user", i), "wrong").WantJSONError(400, "invalid_grant")
		}
		s.SignIn(backend, "alice", testkit.PasswordOf("alice")).Tokens()
		checked := 0
		for i := range 2 * passport.AddressFailures {
			if s.SignIn(app, fmt.Sprint("person", i), "wrong").Status == 400 {
				checked++
			}
		}
		if checked != passport.AddressFailures {
			t.Errorf("%d guesses for different users from one address were checked, want %d", checked, passport.AddressFailures)
		}
	})
}

// Ports in X-Forwarded-For are ignored: clients keep different addresses, and connections
// of one client have the same address.
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

// Only a trusted proxy can set the address of a client.
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
		for i := range 2 * passport.ClientFailures { // a client that forges the header
			from("203.0.113.50", fmt.Sprintf("10.0.0.%d", i), "wrong")
		}
		from("203.0.113.50", here, c.Secret).WantThrottled("invalid_client")
	})
}
