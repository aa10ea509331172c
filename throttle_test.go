package passport_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport"
	"github.com/go-passport/passport/oauth"
)

const (
	here      = "198.51.100.7"
	elsewhere = "203.0.113.9"
)

// machineFrom asks for a client's own token from an address.
func (s *server) machineFrom(address string, c *client, secret string) *answer {
	return s.sendFrom(address, "grant_type=client_credentials", "Authorization", basic(c.ID, secret))
}

// wantThrottled fails unless the answer is 429 with its headers, and returns how
// long it says to wait.
func (a *answer) wantThrottled(code string) time.Duration {
	a.t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || a.json()["error"] != code || err != nil || seconds < 1 {
		a.t.Fatalf("want 429 %s with Retry-After, got %s with header %v", code, a, a.header)
	}
	if a.header.Get("WWW-Authenticate") != "" || a.header.Get("Cache-Control") != "no-store" {
		a.t.Errorf("want no challenge and nothing stored, got %v", a.header)
	}
	return time.Duration(seconds) * time.Second
}

// TK-14: who guesses at a client's secret is slowed down by client and address; the
// right secret still works from elsewhere (OAuth 2.1 §2.5.1).
func TestThrottle_TK_14_OP_08_ClientSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, other := s.machine(), s.machine()
		for i := range passport.ClientFailures {
			if a := s.machineFrom(elsewhere, c, fmt.Sprint("guess", i)); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
				t.Fatalf("failure %d: %s, want invalid_client with a challenge", i, a)
			}
		}
		a := s.machineFrom(elsewhere, c, "one more")
		wait := a.wantThrottled("invalid_client")
		if a.header.Get("RateLimit-Policy") != `"failures";q=10;w=600` || a.header.Get("RateLimit") != fmt.Sprintf(`"failures";r=0;t=%d`, int(wait.Seconds())) {
			t.Errorf("RateLimit headers %v", a.header)
		}
		if wrong := a.body; s.machineFrom(elsewhere, c, c.secret).body != wrong {
			t.Error("the right secret stands out among the guesses")
		}
		s.machineFrom(here, c, c.secret).tokens()              // from elsewhere
		s.machineFrom(elsewhere, other, other.secret).tokens() // another client
		time.Sleep(wait)
		s.machineFrom(elsewhere, c, c.secret).tokens()
		s.wantBlameless()
	})
}

// An unknown client, a suspended one and a wrong secret look alike to the end, or
// the throttle would tell which clients there are.
func TestThrottle_NeverRepeat_C4_TK_13_UnknownClientsLookTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		suspended, spa := s.web(), s.spa()
		s.suspend(suspended)
		known, unknown := s.machine(), &client{Client: &oauth.Client{ID: "no-such-client"}}
		var answers [4]string
		for i, tt := range []struct {
			c      *client
			secret string
		}{{known, "wrong"}, {unknown, "wrong"}, {suspended, suspended.secret}, {spa, "wrong"}} {
			address := fmt.Sprintf("198.51.100.%d", i)
			for range 2 * passport.ClientFailures {
				a := s.machineFrom(address, tt.c, tt.secret)
				answers[i] += fmt.Sprint(a.status, a.body, a.header.Get("Retry-After"))
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
	s, store := watched(t)
	c, spa := s.machine(), s.spa()
	for range 300 {
		s.machineFrom(here, c, c.secret).tokens()
		s.sendFrom(here, "grant_type=refresh_token&refresh_token=x&client_id="+spa.ID).wantJSONError(400, "invalid_grant")
	}
	store.failing("Client", fmt.Errorf("dial: %w", oauth.ErrUnavailable))
	for range 300 {
		s.machineFrom(here, c, "wrong").wantJSONError(503, "temporarily_unavailable")
	}
	store.failing("", nil)
	s.machineFrom(here, c, "wrong").wantJSONError(401, "invalid_client")
	for range 300 { // what is no authentication is no guess
		s.sendFrom(here, "grant_type=client_credentials").wantJSONError(401, "invalid_client")
	}
	s.machineFrom(here, c, c.secret).tokens()
}

// One address that tries client after client is slowed down, who succeeded there
// before is not.
func TestThrottle_OP_08_ManyClientsFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		c, late := s.machine(), s.machine()
		s.machineFrom(here, c, c.secret).tokens()
		told := 0
		for i := range 2 * passport.AddressFailures {
			unknown := &client{Client: &oauth.Client{ID: fmt.Sprint("client", i)}}
			if s.machineFrom(here, unknown, "x").status == 401 {
				told++
			}
		}
		if told != passport.AddressFailures {
			t.Errorf("%d guesses were told, want %d", told, passport.AddressFailures)
		}
		s.machineFrom(here, c, c.secret).tokens()
		wait := s.machineFrom(here, late, late.secret).wantThrottled("invalid_client")
		s.machineFrom(elsewhere, late, late.secret).tokens()
		time.Sleep(wait)
		s.machineFrom(here, late, late.secret).tokens()
	})
}

// Of guesses at once no more are told than of guesses one by one.
func TestThrottle_NeverRepeat_A1_InParallel(t *testing.T) {
	s := newServer(t, withPasswords)
	c, legacy := s.machine(), s.legacy()
	count := func(status int, answers []*answer) (n int) {
		for _, a := range answers {
			if a.status == status {
				n++
			}
		}
		return n
	}
	if told := count(401, parallel(100, func() *answer { return s.machineFrom(here, c, "wrong") })); told != passport.ClientFailures {
		t.Errorf("%d of 100 guesses at a secret at once were told, want %d", told, passport.ClientFailures)
	}
	s.users.during = func() { time.Sleep(time.Millisecond) }
	if told := count(400, parallel(100, func() *answer { return s.signIn(legacy, "alice", "wrong") })); told != passport.PasswordFailures {
		t.Errorf("%d of 100 guesses at a password at once were told, want %d", told, passport.PasswordFailures)
	}
}

// The password grant is throttled by user name and address. What is throttled is
// not looked at: checking a password is slow on purpose.
func TestThrottle_OP_08_Passwords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withPasswords)
		c := s.legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
		from := func(address, username, password string) *answer {
			return s.sendFrom(address, "grant_type=password&client_id="+c.ID+"&username="+username+"&password="+password)
		}
		for range passport.PasswordFailures {
			from(elsewhere, "alice", "wrong").wantJSONError(400, "invalid_grant")
		}
		checked := s.users.checked
		wait := from(elsewhere, "alice", "wrong").wantThrottled("invalid_grant")
		from(elsewhere, "alice", passwordOf("alice")).wantThrottled("invalid_grant")
		if s.users.checked != checked {
			t.Error("a password was checked that would not have been answered")
		}
		from(here, "alice", passwordOf("alice")).tokens()
		from(elsewhere, "bob", passwordOf("bob")).tokens()
		time.Sleep(wait)
		from(elsewhere, "alice", passwordOf("alice")).tokens() // and all is forgotten:
		for range passport.PasswordFailures {
			from(elsewhere, "alice", "wrong").wantJSONError(400, "invalid_grant")
		}
		from(elsewhere, "alice", "wrong").wantThrottled("invalid_grant")
		s.wantBlameless()
	})
}

// A user name that is guessed at from everywhere is slowed down; its owner is not
// kept out where he signed in before.
func TestThrottle_OP_08_OneUserFromManyAddresses(t *testing.T) {
	s := newServer(t, withPasswords)
	c := s.legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
	from := func(address, password string) *answer {
		return s.sendFrom(address, "grant_type=password&client_id="+c.ID+"&username=alice&password="+password)
	}
	from(here, passwordOf("alice")).tokens()
	told := 0
	for i := range 2 * passport.UserFailures {
		if from(fmt.Sprintf("203.0.%d.1", i), "wrong").status == 400 {
			told++
		}
	}
	if told != passport.UserFailures {
		t.Errorf("%d guesses from as many addresses were told, want %d", told, passport.UserFailures)
	}
	from("192.0.2.99", passwordOf("alice")).wantThrottled("invalid_grant")
	from(here, passwordOf("alice")).tokens()
}

// Each spelling that may be the same account shares a counter, at each client of
// one provider; the users of another provider have their own.
func TestThrottle_NeverRepeat_F2_Spellings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withPasswords, func(c *passport.Config) {
			c.Providers = map[string]passport.UserProvider{"staff": newAccounts("alice")}
		})
		clients := []*client{s.legacy(), s.legacy(), s.legacy(func(r *passport.Registration) { r.Provider = "users" })}
		spellings := []string{"alice", "Alice", " alice", "ALICE ", "al\u200bice", "alice\u00a0", "\u202ealice", "aLiCe"}
		told := 0
		for i := range 10 * len(spellings) {
			if s.signIn(clients[i%3], spellings[i%len(spellings)], "wrong").status == 400 {
				told++
			}
		}
		if told != passport.PasswordFailures {
			t.Errorf("%d guesses in several spellings were told, want %d", told, passport.PasswordFailures)
		}
		staff := s.legacy(func(r *passport.Registration) { r.Provider = "staff" })
		s.signIn(staff, "alice", passwordOf("alice")).tokens()
	})
}

// The server of a confidential client speaks for all of its users: many who mistype
// do not hold up one who does not. The browser of a public one speaks for one.
func TestThrottle_ManyUsersBehindOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, withPasswords)
		backend, app := s.legacy(), s.legacy(func(r *passport.Registration) { r.AuthMethod = oauth.AuthNone })
		for i := range 2 * passport.AddressFailures {
			s.signIn(backend, fmt.Sprint("user", i), "wrong").wantJSONError(400, "invalid_grant")
		}
		s.signIn(backend, "alice", passwordOf("alice")).tokens()
		told := 0
		for i := range 2 * passport.AddressFailures {
			if s.signIn(app, fmt.Sprint("person", i), "wrong").status == 400 {
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
		s := newServer(t, func(c *passport.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy + "/32")} })
		c := s.machine()
		from := func(forwarded, secret string) *answer {
			return s.sendFrom(proxy, "grant_type=client_credentials", "Authorization", basic(c.ID, secret), "X-Forwarded-For", forwarded)
		}
		for i := range 2 * passport.ClientFailures {
			from(fmt.Sprintf("%s:%d", elsewhere, 40_000+i), "wrong")
		}
		from(elsewhere+":51234", c.secret).wantThrottled("invalid_client")
		from(here+":51234", c.secret).tokens()
		from("[2001:db8::1]:51234", c.secret).tokens()
	})
}

// The address is that which a trusted proxy reports, and no other.
func TestThrottle_OP_01_TrustedProxies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const proxy = "192.0.2.80"
		s := newServer(t, func(c *passport.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy + "/32")} })
		c := s.machine()
		from := func(address, forwarded, secret string) *answer {
			return s.sendFrom(address, "grant_type=client_credentials", "Authorization", basic(c.ID, secret), "X-Forwarded-For", forwarded)
		}
		for range 2 * passport.ClientFailures {
			from(proxy, elsewhere, "wrong")
		}
		from(proxy, elsewhere, c.secret).wantThrottled("invalid_client")
		from(proxy, here, c.secret).tokens()
		for i := range 2 * passport.ClientFailures { // a stranger who writes the header himself
			from("203.0.113.50", fmt.Sprintf("10.0.0.%d", i), "wrong")
		}
		from("203.0.113.50", here, c.secret).wantThrottled("invalid_client")
	})
}
