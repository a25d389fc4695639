// Package lease powers the node off when its time is over, even if everything else in it is dead. It counts on
// the monotonic clock, so setting the node's wall clock neither shortens nor lengthens a lease.
package lease

import (
	"sync"
	"time"
)

// Longest is the longest lease that may be asked for.
const Longest = 30 * 24 * time.Hour

// Lease is the time a node has left. The zero Lease is not usable; see New.
type Lease struct {
	mu    sync.Mutex
	timer *time.Timer
	ends  time.Time
	over  func()
}

// New makes a lease that has no end yet. over is called once each time a lease runs out.
func New(over func()) *Lease { return &Lease{over: over} }

// Set makes the lease end that long from now, whatever it was before.
func (l *Lease) Set(left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.ends = time.Now().Add(left)
	l.timer = time.AfterFunc(left, l.expire)
}

// expire guards against a timer that fired while Set was about to stop it: then there is time left.
func (l *Lease) expire() {
	l.mu.Lock()
	over := time.Until(l.ends) <= 0
	l.mu.Unlock()
	if over {
		l.over()
	}
}

// Left is how much is left; ok is false when the lease has no end.
func (l *Lease) Left() (left time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		return 0, false
	}
	return max(0, time.Until(l.ends)), true
}
