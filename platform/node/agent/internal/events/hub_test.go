package events

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type event struct {
	Kind  string `json:"kind"`
	Count int    `json:"count,omitempty"`
	Text  string `json:"text,omitempty"`
}

// listener writes down what it is sent; hold makes it slow.
type listener struct {
	subscriber *Subscriber
	got        []event
	hold       chan struct{}
	closed     chan struct{}
	ended      bool
}

func listen(h *Hub) *listener {
	l := &listener{subscriber: h.Subscribe(), closed: make(chan struct{})}
	return l
}

func (l *listener) run() *listener {
	go func() {
		l.subscriber.Run(l.closed, func(line []byte) error {
			if l.hold != nil {
				<-l.hold
			}
			var e event
			if err := json.Unmarshal(line, &e); err != nil {
				return errors.New("no JSON")
			}
			l.got = append(l.got, e)
			return nil
		})
		l.subscriber.Unsubscribe()
		l.ended = true
	}()
	return l
}

func (l *listener) count(kind string) (lines, total int) {
	for _, e := range l.got {
		if e.Kind == kind {
			lines, total = lines+1, total+e.Count
		}
	}
	return lines, total
}

func TestEveryListenerGetsEveryEventAndATickEveryFifteenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		one, two := listen(&h).run(), listen(&h).run()
		h.Publish(event{Kind: "links"})
		time.Sleep(46 * time.Second)
		synctest.Wait()
		for _, l := range []*listener{one, two} {
			links, _ := l.count("links")
			ticks, _ := l.count("tick")
			if links != 1 || ticks != 3 {
				t.Errorf("%d links, %d ticks", links, ticks)
			}
			close(l.closed)
		}
		synctest.Wait()
		if !one.ended || len(h.subscribers) != 0 {
			t.Error("a listener that has gone is still there")
		}
	})
}

func TestMoreThanTwoHundredEventsASecondAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		l := listen(&h).run()
		for range 1000 {
			h.Publish(event{Kind: "docker"})
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		passed, _ := l.count("docker")
		lines, dropped := l.count("dropped")
		if passed != 200 || lines != 1 || dropped != 800 {
			t.Errorf("%d passed, %d dropped in %d lines", passed, dropped, lines)
		}
		h.Publish(event{Kind: "docker"})
		synctest.Wait()
		if passed, _ := l.count("docker"); passed != 201 {
			t.Errorf("%d passed in the next second", passed)
		}
		close(l.closed)
	})
}

func TestASlowListenerHasAtMostAThousandWaitingAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		slow := listen(&h)
		slow.hold = make(chan struct{})
		slow.run()
		quick := listen(&h).run()
		for range 3000 {
			h.Publish(event{Kind: "docker"})
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if passed, _ := quick.count("docker"); passed != 3000 {
			t.Errorf("the quick one got %d", passed)
		}
		close(slow.hold)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		passed, _ := slow.count("docker")
		_, dropped := slow.count("dropped")
		if passed > queueSize+1 || passed+dropped != 3000 {
			t.Errorf("the slow one got %d and missed %d", passed, dropped)
		}
		close(slow.closed)
		close(quick.closed)
	})
}

func TestAnEventThatIsTooLongOrNoJSONIsOnlyCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		l := listen(&h).run()
		h.Publish(event{Kind: "docker", Text: strings.Repeat("x", maxLine)})
		h.Publish(func() {})
		h.Lost()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if lines, dropped := l.count("dropped"); lines != 1 || dropped != 3 {
			t.Errorf("%d dropped in %d lines", dropped, lines)
		}
		close(l.closed)
	})
}
