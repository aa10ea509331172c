package throttle_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/throttle"
)

var limits = throttle.Limits{
	Pair:    throttle.Limit{Failures: 5, Within: 5 * time.Minute},
	Name:    throttle.Limit{Failures: 20, Within: time.Hour},
	Address: throttle.Limit{Failures: 30, Within: 15 * time.Minute},
}

const (
	home      = "198.51.100.7"
	elsewhere = "203.0.113.9"
)

func at(name, address string) throttle.Attempt {
	return throttle.Attempt{Name: name, Address: address}
}

// wait returns how long an attempt is refused for.
func wait(err error) time.Duration {
	if r, ok := errors.AsType[*throttle.Refusal](err); ok {
		return r.Wait
	}
	return 0
}

// fail makes the given number of failed attempts and returns how many were
// refused.
func fail(t *throttle.Throttle, a throttle.Attempt, times int) (refused int) {
	for range times {
		if t.Settle(a, false) != nil {
			refused++
		}
	}
	return refused
}

// Each failure over the limit doubles the pause, until failures drain away as
// fast as they arrive. Refused attempts add nothing.
func TestThrottle_PausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := throttle.New(100, throttle.Limits{Pair: limits.Pair})
		if n := fail(th, at("ada", home), 5); n != 0 {
			t.Fatalf("%d of the first 5 failures were refused, want none", n)
		}
		var pauses []time.Duration
		for range 12 {
			pause := wait(th.Refuse(at("ada", home)))
			if pause <= 0 {
				t.Fatalf("after %v the next attempt is free, want a pause", pauses)
			}
			if n := fail(th, at("ada", home), 10); n != 10 {
				t.Fatalf("during a pause %d of 10 attempts were refused, want all", n)
			}
			pauses = append(pauses, pause)
			time.Sleep(pause - time.Nanosecond)
			if wait(th.Refuse(at("ada", home))) == 0 {
				t.Fatal("the pause ended early")
			}
			time.Sleep(time.Nanosecond)
			if err := th.Settle(at("ada", home), false); err != nil {
				t.Fatalf("after the pause: %v", err)
			}
		}
		if pauses[0] != time.Second || pauses[1] <= pauses[0] || pauses[3] <= 3*pauses[1] {
			t.Errorf("the pauses are %v, want them to grow from one second", pauses)
		}
		if last := pauses[11]; last < 30*time.Second || last > 5*time.Minute {
			t.Errorf("the last pause is %v, want about one minute, the time in which a failure drains away", last)
		}
		time.Sleep(time.Hour)
		if n := fail(th, at("ada", home), 5); n != 0 {
			t.Errorf("an hour later %d of 5 failures were refused, want all forgotten", n)
		}
	})
}

// Only failures count.
func TestThrottle_SuccessesAreFree(t *testing.T) {
	th := throttle.New(100, limits)
	for i := range 1000 {
		if err := th.Settle(at("ada", home), true); err != nil {
			t.Fatalf("success %d was refused: %v", i, err)
		}
	}
}

// A success forgets the failures of the name, but not those of the address.
// Otherwise an attacker with one account could guess at all others.
func TestThrottle_SuccessForgetsTheName(t *testing.T) {
	th := throttle.New(1000, limits)
	for range 50 {
		if fail(th, at("ada", home), 4) != 0 || th.Settle(at("ada", home), true) != nil {
			t.Fatal("a user that mistypes four times and then succeeds is refused")
		}
	}
	th = throttle.New(1000, limits)
	for i := range 50 {
		if fail(th, at(fmt.Sprint("bob", i), home), 4) != 0 || th.Settle(at("ada", home), true) != nil {
			return
		}
	}
	t.Error("an attacker with one account made 200 guesses at others without a refusal")
}

// A right secret is refused only at the address of the wrong guesses.
func TestThrottle_TK_14_RightSecretFromElsewhere(t *testing.T) {
	th := throttle.New(1000, throttle.Limits{Pair: limits.Pair, Address: limits.Address})
	fail(th, at("ada", elsewhere), 1000)
	if th.Settle(at("ada", elsewhere), true) == nil {
		t.Error("the right secret is accepted at the attacker's address, so an attacker can recognize a right guess")
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("the right secret is refused at the owner's address: %v", err)
	}
}

// Guesses from many addresses count by the name. They do not lock out the owner
// at an address where the owner succeeded before.
func TestThrottle_OP_08_ManyAddresses(t *testing.T) {
	th := throttle.New(10000, limits)
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Fatal(err)
	}
	told := 0
	for i := range 200 {
		if th.Settle(at("ada", fmt.Sprintf("203.0.%d.1", i)), false) == nil {
			told++
		}
	}
	if told != limits.Name.Failures {
		t.Errorf("%d guesses from 200 addresses were checked, want %d", told, limits.Name.Failures)
	}
	if err := th.Settle(at("ada", home), false); err != nil {
		t.Errorf("a failure of the owner at a known address = %v, want nil", err)
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("the owner is refused at a known address: %v", err)
	}
}

// The owner's failures at known addresses do not use up the failures that are
// free elsewhere.
func TestThrottle_OP_08_KnownAddressesCountSeparately(t *testing.T) {
	th := throttle.New(10000, limits)
	for _, right := range []bool{true, false} { // first a success at each address, then a failure at each
		for i := range 2 * limits.Name.Failures {
			if err := th.Settle(at("ada", fmt.Sprintf("198.51.%d.1", i)), right); err != nil {
				t.Fatalf("the owner is refused at a known address: %v", err)
			}
		}
	}
	if told := limits.Pair.Failures - fail(th, at("ada", elsewhere), limits.Pair.Failures); told != limits.Pair.Failures {
		t.Errorf("%d failures are free elsewhere, want %d", told, limits.Pair.Failures)
	}
}

// An address that tries many names is slowed down. A name that is known there
// is not, and a shared address has no limit.
func TestThrottle_OP_08_ManyNames(t *testing.T) {
	th := throttle.New(10000, limits)
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Fatal(err)
	}
	told := 0
	for i := range 200 {
		if th.Settle(at(fmt.Sprint("name", i), home), false) == nil {
			told++
		}
	}
	if told != limits.Address.Failures {
		t.Errorf("%d guesses at one address were checked, want %d", told, limits.Address.Failures)
	}
	if th.Settle(at("bob", home), true) == nil {
		t.Error("a right guess at a paused address is accepted")
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("a name that is known at the address is refused: %v", err)
	}
	for i := range 200 {
		if err := th.Settle(throttle.Attempt{Name: fmt.Sprint("user", i), Address: elsewhere, Shared: true}, false); err != nil {
			t.Fatalf("name %d at a shared address: %v", i, err)
		}
	}
}

// Concurrent guesses count the same as sequential ones.
func TestThrottle_Parallel(t *testing.T) {
	th := throttle.New(1000, limits)
	var wg sync.WaitGroup
	var mu sync.Mutex
	told := 0
	for range 200 {
		wg.Go(func() {
			if th.Refuse(at("ada", home)) != nil {
				return
			}
			time.Sleep(time.Millisecond) // as long as it takes to hash a password
			if th.Settle(at("ada", home), false) == nil {
				mu.Lock()
				told++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if told != limits.Pair.Failures {
		t.Errorf("%d of 200 concurrent guesses were checked, want %d", told, limits.Pair.Failures)
	}
}

// Memory is bounded for any number of names and addresses, and recently used
// counters stay.
func TestThrottle_IsBounded(t *testing.T) {
	th := throttle.New(100, limits)
	for i := range 10000 {
		_ = th.Settle(at(fmt.Sprint("name", i), fmt.Sprintf("10.%d.%d.1", i/256, i%256)), i%3 == 0)
		if n := th.Len(); n > 100 {
			t.Fatalf("%d counters, want at most 100", n)
		}
		if i%10 == 0 {
			_ = th.Settle(at("ada", home), false)
		}
	}
	if th.Refuse(at("ada", home)) == nil {
		t.Error("a counter under attack was dropped before unused ones")
	}
}

// One IPv6 subscriber has more addresses than a counter table could hold.
func TestSubscriber(t *testing.T) {
	for address, want := range map[string]string{
		"198.51.100.7": "198.51.100.7", "::ffff:198.51.100.7": "198.51.100.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1%eth0": "2001:db8:1:2::/64", "@": "", "": "", "example.com": "",
	} {
		if got := throttle.Subscriber(address); got != want {
			t.Errorf("Subscriber(%q) = %q, want %q", address, got, want)
		}
	}
}

// Without an address only the name counts, and the Throttle does not contain
// it.
func TestThrottle_WithoutAddress(t *testing.T) {
	th := throttle.New(100, limits)
	fail(th, at("ada's password", "@"), 100)
	err := th.Refuse(at("ada's password", ""))
	if wait(err) == 0 {
		t.Fatal("100 failures of a name without an address cause no refusal")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, th), "ada's") {
		t.Errorf("the error or the Throttle contains the typed name: %v", err)
	}
}
