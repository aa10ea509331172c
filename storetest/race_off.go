//go:build !race

package storetest

// raceDetector slows everything down by a factor of about ten.
const raceDetector = false
