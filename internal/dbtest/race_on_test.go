//go:build race

package dbtest_test

// raceDetector is true under the race detector, which makes races many times slower.
const raceDetector = true
