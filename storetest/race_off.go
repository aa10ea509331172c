//go:build !race

package storetest

// raceDetector slows everything down by about ten.
const raceDetector = false
