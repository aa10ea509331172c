// Package clock tells the time in the form in which stores keep it.
package clock

import "time"

// Now returns the current time in UTC, in whole microseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
