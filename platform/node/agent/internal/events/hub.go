// Package events passes what happens in a node on to whoever listens. It must never hold up the part that an
// event comes from, and never keep more than a bounded number of events for a reader that is slow.
package events

import (
	"sync"
	"time"

	"slipway.dev/node/internal/protocol"
)

const (
	perSecond  = 200
	queueSize  = 1000
	maxLine    = 64 << 10
	tickPeriod = 15 * time.Second
)

// Hub has the subscribers. The zero Hub is ready.
type Hub struct {
	mu          sync.Mutex
	subscribers map[*Subscriber]struct{}
	window      time.Time
	inWindow    int
}

// Subscriber is one listener's queue of lines.
type Subscriber struct {
	hub     *Hub
	arrived chan struct{}
	queue   [][]byte
	dropped int
	since   time.Time // when the first of the dropped was
}

// Publish passes one event on. It never blocks. An event that is too long or one too many this second is only
// counted, for all subscribers.
func (h *Hub) Publish(event any) {
	line, err := protocol.Marshal(event)
	h.publish(line, err == nil && len(line) <= maxLine)
}

// Lost counts an event that never became one, because it was too long.
func (h *Hub) Lost() { h.publish(nil, false) }

func (h *Hub) publish(line []byte, fits bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.subscribers) == 0 {
		return
	}
	drop := !fits || !h.allowed(time.Now())
	for s := range h.subscribers {
		if drop || len(s.queue) >= queueSize {
			s.drop()
		} else {
			s.queue = append(s.queue, line)
			s.wake()
		}
	}
}

// drop counts. The listener is told a second later, of all at once: a loud node must not become one of "dropped".
func (s *Subscriber) drop() {
	if s.dropped == 0 {
		s.since = time.Now()
		time.AfterFunc(time.Second, s.wake)
	}
	s.dropped++
}

func (s *Subscriber) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// allowed counts in whole seconds from the first event after a pause.
func (h *Hub) allowed(now time.Time) bool {
	if now.Sub(h.window) >= time.Second {
		h.window, h.inWindow = now, 0
	}
	h.inWindow++
	return h.inWindow <= perSecond
}

// Subscribe adds a listener; Unsubscribe must follow.
func (h *Hub) Subscribe() *Subscriber {
	s := &Subscriber{hub: h, arrived: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscribers == nil {
		h.subscribers = make(map[*Subscriber]struct{})
	}
	h.subscribers[s] = struct{}{}
	return s
}

// Unsubscribe takes the listener away.
func (s *Subscriber) Unsubscribe() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subscribers, s)
}

// Dropped is the event that says how many were not passed on.
type Dropped struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

type tick struct {
	Kind string `json:"kind"`
}

// Run calls send with every line for this subscriber, a tick among them every 15 seconds, until send fails or
// closed is closed.
func (s *Subscriber) Run(closed <-chan struct{}, send func(line []byte) error) {
	ticker := time.NewTicker(tickPeriod)
	defer ticker.Stop()
	for {
		for _, line := range s.take() {
			if send(line) != nil {
				return
			}
		}
		select {
		case <-closed:
			return
		case <-s.arrived:
		case <-ticker.C:
			line, _ := protocol.Marshal(tick{Kind: "tick"})
			if send(line) != nil {
				return
			}
		}
	}
}

// take empties the queue; what was dropped is told after what came before it.
func (s *Subscriber) take() [][]byte {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	lines := s.queue
	s.queue = nil
	if s.dropped > 0 && time.Since(s.since) >= time.Second {
		line, _ := protocol.Marshal(Dropped{Kind: "dropped", Count: s.dropped})
		lines = append(lines, line)
		s.dropped = 0
	}
	return lines
}
