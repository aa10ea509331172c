package console

import (
	"errors"
	"fmt"
	"time"
)

// durationForm says how an option with a duration is written.
const durationForm = "a duration such as 90s, 15m, 1h or 30d"

// duration is an option with a duration as in passport.toml: 90s, 15m, 1h or 30d.
type duration time.Duration

// Set implements pflag.Value.
func (d *duration) Set(s string) error {
	parsed, err := parseDuration(s)
	if err != nil || parsed < 0 {
		return errors.New("want " + durationForm)
	}
	*d = duration(parsed)
	return nil
}

// Type implements pflag.Value.
func (d *duration) Type() string { return "duration" }

// String implements pflag.Value. It returns the default for the help.
func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return spell(time.Duration(*d))
}

// spell writes a duration in one unit, if possible: 30d, not 720h0m0s.
func spell(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d != 0 && d%unit.size == 0 {
			return fmt.Sprintf("%d%s", d/unit.size, unit.name)
		}
	}
	return d.String()
}
