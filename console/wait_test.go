package console_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/console"
)

// state is an error of PostgreSQL.
type state string

func (s state) Error() string    { return "FATAL (SQLSTATE " + string(s) + ")" }
func (s state) SQLState() string { return string(s) }

// The command waits half a minute for a database that is starting, and prints a line every
// five seconds. It doesn't wait after an error that waiting does not fix.
func TestAwait_FR_51(t *testing.T) {
	const starting, password = state("57P03"), state("28P01")
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, test := range []struct {
		name  string
		ping  func(since time.Duration) error
		took  time.Duration
		lines int
		want  string // in the error; empty for none
	}{
		{"it is there", func(time.Duration) error { return nil }, 0, 0, ""},
		{"it comes after 12 s", func(d time.Duration) error {
			switch {
			case d < 6*time.Second:
				return refused
			case d < 12*time.Second:
				return starting
			}
			return nil
		}, 12 * time.Second, 3, ""},
		{"it never comes", func(time.Duration) error { return starting }, 30 * time.Second, 6, "didn't respond for 30s (FATAL (SQLSTATE 57P03))"},
		{"a wrong password", func(time.Duration) error { return password }, 0, 0, ""},
		{"a wrong password after 3 s", func(d time.Duration) error {
			if d < 3*time.Second {
				return refused
			}
			return password
		}, 3 * time.Second, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var lines []string
				ping := func(context.Context) error { return test.ping(time.Since(begun)) }
				err := console.Await(t.Context(), ping, func(err error, left time.Duration) {
					lines = append(lines, fmt.Sprint(time.Since(begun), " ", left, " ", err))
				})
				if took := time.Since(begun); took != test.took || len(lines) != test.lines {
					t.Errorf("it waited %v and printed %q, want %v and %d lines", took, lines, test.took, test.lines)
				}
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("Await() = %v, want %q", err, test.want)
				}
			})
		})
	}
}

// A firewall may drop packets: each attempt ends in time for the next line. A wait ends at
// once when it is stopped.
func TestAwait_FR_51_SilentAndStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		begun, lines := time.Now(), 0
		go func() {
			time.Sleep(17 * time.Second)
			stop()
		}()
		silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		err := console.Await(ctx, silent, func(error, time.Duration) { lines++ })
		if took := time.Since(begun); took != 17*time.Second || lines != 3 {
			t.Errorf("it waited %v and printed %d lines, want 17 s and 3", took, lines)
		}
		if err == nil || !strings.Contains(err.Error(), "stopped while waiting") || !errors.Is(err, context.Canceled) {
			t.Errorf("Await() = %v, want an error that says that it was stopped", err)
		}
	})
}
