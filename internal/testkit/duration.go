package testkit

import (
	"slices"
	"time"
)

// Median returns the median of durations. It sorts d.
func Median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
