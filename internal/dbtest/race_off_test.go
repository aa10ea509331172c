//go:build !race

package dbtest_test

const raceDetector = false
