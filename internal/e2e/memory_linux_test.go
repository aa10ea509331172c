package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	signIns = 64

	// maxResident is the goal for the memory of the binary: see docs/performance.md.
	maxResident = 60 << 20

	// settleTimeout is the maximum time for the runtime to return memory.
	settleTimeout = 10 * time.Second
)

// Each argon2id hash takes 19 MiB. The process returns the memory after
// sequential and concurrent sign-ins, with a right or a wrong password.
func TestE2E_SignIns_ReturnMemory(t *testing.T) {
	s := startServer(t, "PASSPORT_TRUSTED_PROXIES=127.0.0.1")
	s.faulty = true // a busy machine may respond to concurrent sign-ins with 503
	s.user(t, "ada@example.com", "Ada")
	t.Logf("at rest: %d MB", s.resident(t)>>20)
	for _, test := range []struct {
		name        string
		concurrency int
		password    string
		status      int
	}{
		{"sequential, right", 1, userPassword, http.StatusSeeOther},
		{"sequential, wrong", 1, "wrong-password", http.StatusUnprocessableEntity},
		{"concurrent, right", signIns, userPassword, http.StatusSeeOther},
		{"concurrent, wrong", signIns, "wrong-password", http.StatusUnprocessableEntity},
	} {
		begin := time.Now()
		s.signInOften(t, test.concurrency, test.password, test.status)
		took := time.Since(begin)
		atEnd := s.resident(t)
		after := s.settled(t)
		t.Logf("%s: %d sign-ins took %v; %d MB after the last, %d MB settled, %d MB at most so far",
			test.name, signIns, took.Round(time.Millisecond), atEnd>>20, after>>20, s.status(t, "VmHWM")>>20)
		if after > maxResident {
			t.Errorf("%s: the server keeps %d MB after %d sign-ins, want at most %d MB", test.name, after>>20, signIns, maxResident>>20)
		}
	}
}

// signInOften sends the form [signIns] times, each time from another address, so
// that the throttle does not refuse it.
func (s *server) signInOften(t *testing.T, concurrency int, password string, want int) {
	t.Helper()
	places := make(chan struct{}, concurrency)
	var all sync.WaitGroup
	for i := range signIns {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			email := "ada@example.com"
			if want != http.StatusSeeOther && i%2 == 0 {
				email = fmt.Sprintf("unknown-%d@example.com", i)
			}
			status, err := s.signInFrom(fmt.Sprintf("192.0.2.%d", i), email, password)
			if busy := concurrency > 1 && status == http.StatusServiceUnavailable; err != nil || status != want && !busy {
				t.Errorf("sign-in %d = %d, %v; want %d", i, status, err, want)
			}
		})
	}
	all.Wait()
}

func (s *server) signInFrom(address, email, password string) (int, error) {
	form := url.Values{"email": {email}, "password": {password}}.Encode()
	r, err := http.NewRequest(http.MethodPost, s.URL+"/sign-in", strings.NewReader(form))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("X-Forwarded-For", address)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// settled waits until the memory is at its goal, at most [settleTimeout], and
// returns it.
func (s *server) settled(t *testing.T) int {
	t.Helper()
	for deadline := time.Now().Add(settleTimeout); ; time.Sleep(100 * time.Millisecond) {
		if n := s.resident(t); n <= maxResident || time.Now().After(deadline) {
			return n
		}
	}
}

// resident returns the resident memory of the process, in bytes.
func (s *server) resident(t *testing.T) int {
	t.Helper()
	return s.status(t, "VmRSS")
}

// status returns the value of a line of /proc/PID/status, in bytes.
func (s *server) status(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			if err != nil {
				t.Fatalf("%s of /proc/PID/status: %v", name, err)
			}
			return n << 10
		}
	}
	t.Fatalf("/proc/PID/status has no %s", name)
	return 0
}
