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

// wait is how long an attempt is refused for.
func wait(err error) time.Duration {
	if r, ok := errors.AsType[*throttle.Refusal](err); ok {
		return r.Wait
	}
	return 0
}

// fail fails so many times and returns how many of them were refused.
func fail(t *throttle.Throttle, a throttle.Attempt, times int) (refused int) {
	for range times {
		if t.Settle(a, false) != nil {
			refused++
		}
	}
	return refused
}

// Each failure beyond the limit doubles the pause, up to where failures drain away as
// fast as they come; refused attempts add nothing.
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
				t.Fatalf("within a pause %d of 10 attempts were refused, want all", n)
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
			t.Errorf("the pauses are %v: want them to grow from a second", pauses)
		}
		if last := pauses[11]; last < 30*time.Second || last > 5*time.Minute {
			t.Errorf("the last pause is %v, want about as long as a failure takes to drain away: a minute", last)
		}
		time.Sleep(time.Hour)
		if n := fail(th, at("ada", home), 5); n != 0 {
			t.Errorf("an hour later %d of 5 failures were refused, want all forgotten", n)
		}
	})
}

// Only failures cost.
func TestThrottle_SuccessesAreFree(t *testing.T) {
	th := throttle.New(100, limits)
	for i := range 1000 {
		if err := th.Settle(at("ada", home), true); err != nil {
			t.Fatalf("success %d was refused: %v", i, err)
		}
	}
}

// A success forgets the failures of the name, but not those of the address: whoever has
// one account could else guess at all others.
func TestThrottle_SuccessForgetsTheName(t *testing.T) {
	th := throttle.New(1000, limits)
	for range 50 {
		if fail(th, at("ada", home), 4) != 0 || th.Settle(at("ada", home), true) != nil {
			t.Fatal("who mistypes four times and then does not is refused")
		}
	}
	th = throttle.New(1000, limits)
	for i := range 50 {
		if fail(th, at(fmt.Sprint("bob", i), home), 4) != 0 || th.Settle(at("ada", home), true) != nil {
			return
		}
	}
	t.Error("with one account 200 guesses at others were never refused")
}

// A right secret is refused where the wrong ones came from, and nowhere else.
func TestThrottle_TK_14_RightSecretFromElsewhere(t *testing.T) {
	th := throttle.New(1000, throttle.Limits{Pair: limits.Pair, Address: limits.Address})
	fail(th, at("ada", elsewhere), 1000)
	if th.Settle(at("ada", elsewhere), true) == nil {
		t.Error("the right secret is told where somebody guesses: the guess that is right must not stand out")
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("the right secret is refused at another address: %v", err)
	}
}

// Guesses from many addresses are counted by the name. Its owner is not kept out
// where he was let in before.
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
		t.Errorf("%d guesses from 200 addresses were told, want %d", told, limits.Name.Failures)
	}
	if err := th.Settle(at("ada", home), false); err != nil {
		t.Errorf("the owner mistypes at a known address: %v, want that told", err)
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("the owner is kept out of a known address: %v", err)
	}
}

// What the owner mistypes where he is known is not a stranger's failure: it leaves
// the name the failures that are free elsewhere.
func TestThrottle_OP_08_KnownAddressesCountApart(t *testing.T) {
	th := throttle.New(10000, limits)
	for _, right := range []bool{true, false} { // first known at each, then mistyped at each
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

// One address that tries many names is slowed down; who is known there is not, and the
// limit does not hold for a server that speaks for many.
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
		t.Errorf("%d names were tried at one address, want %d", told, limits.Address.Failures)
	}
	if th.Settle(at("bob", home), true) == nil {
		t.Error("a right guess at a paused address is told")
	}
	if err := th.Settle(at("ada", home), true); err != nil {
		t.Errorf("who is known at the address is kept out: %v", err)
	}
	for i := range 200 {
		if err := th.Settle(throttle.Attempt{Name: fmt.Sprint("user", i), Address: elsewhere, Shared: true}, false); err != nil {
			t.Fatalf("name %d at the address of a server: %v", i, err)
		}
	}
}

// Of guesses that come at once no more are told than of guesses one by one.
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
			time.Sleep(time.Millisecond) // the password is being hashed
			if th.Settle(at("ada", home), false) == nil {
				mu.Lock()
				told++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if told != limits.Pair.Failures {
		t.Errorf("%d of 200 guesses at once were told, want %d", told, limits.Pair.Failures)
	}
}

// However many names and addresses there are, the memory does not grow, and what was
// needed lately stays.
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
		t.Error("what is being guessed at was forgotten in favour of what was not")
	}
}

// One subscriber of IPv6 has more addresses than anybody can count.
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

// Without an address only the name counts, and nothing says who it was.
func TestThrottle_WithoutAddress(t *testing.T) {
	th := throttle.New(100, limits)
	fail(th, at("ada's password", "@"), 100)
	err := th.Refuse(at("ada's password", ""))
	if wait(err) == 0 {
		t.Fatal("100 failures of a name without an address were never refused")
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, th), "ada's") {
		t.Errorf("a throttle holds the name as it was typed: %v", err)
	}
}
