//go:build !race

package bridge

// raceDetector tells that the test's memory is mostly the race detector's.
const raceDetector = false
