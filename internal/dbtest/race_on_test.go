//go:build race

package dbtest_test

// raceDetector reports whether the race detector is on, which makes each round of a
// race many times slower.
const raceDetector = true
