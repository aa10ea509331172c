// Package clock returns the time in the form that stores keep.
package clock

import "time"

// Now returns the current time in UTC, in whole microseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
