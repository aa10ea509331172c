//go:build !race

package storetest

// raceDetector is true under the race detector, which is about ten times slower.
const raceDetector = false
