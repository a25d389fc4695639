package mesh

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"slipway.dev/node/internal/engine"
)

// countingEngine counts how often it is looked at.
type countingEngine struct {
	cannedEngine
	looks atomic.Int32
}

func (c *countingEngine) Call(ctx context.Context, method, path string, body json.RawMessage) (engine.Answer, error) {
	if strings.HasPrefix(path, "/networks?") {
		c.looks.Add(1)
	}
	return c.cannedEngine.Call(ctx, method, path, body)
}

// running gives a mesh that runs inside a synctest bubble, and how often its engine was looked at since the last time.
func running(t *testing.T, talks bool) (m *Mesh, k *fakeKernel, looks func() int) {
	t.Helper()
	from := &countingEngine{cannedEngine: swarm("10.0.0.6")}
	k = newFakeKernel(ingressSandbox)
	m = newMesh(from, k)
	m.DockerdStarts(talks)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return m, k, func() int {
		synctest.Wait()
		return int(from.looks.Swap(0))
	}
}

func TestNewsAreFollowedWithinATenthOfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, looks := running(t, true)
		time.Sleep(2500 * time.Millisecond)
		looks()
		m.DockerdSaid(tableEvent("ADD", one, "false"))
		time.Sleep(100 * time.Millisecond)
		if got := looks(); got != 1 {
			t.Errorf("%d looks", got)
		}
		time.Sleep(300 * time.Millisecond)
		if got := looks(); got != 1 {
			t.Errorf("%d looks after the echo", got)
		}
		m.DockerEvent(json.RawMessage(`{"Type": "container", "Action": "exec_start"}`))
		time.Sleep(50 * time.Millisecond)
		if got := looks(); got != 0 {
			t.Errorf("%d looks for somebody's exec", got)
		}
	})
}

func TestAFloodOfNewsIsFollowedAtItsOwnPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, looks := running(t, true)
		for range 2000 {
			m.DockerdSaid(tableEvent("ADD", one, "false"))
			time.Sleep(time.Millisecond)
		}
		if got := looks(); got > 30 {
			t.Errorf("%d looks in two seconds", got)
		}
	})
}

func TestSilenceIsCheapWhereDockerdTalksAndWatchedWhereItDoesNot(t *testing.T) {
	for talks, most := range map[bool]int{true: 5, false: 22} {
		synctest.Test(t, func(t *testing.T) {
			_, k, looks := running(t, talks)
			time.Sleep(2500 * time.Millisecond)
			looks()
			time.Sleep(20 * time.Second)
			if got := looks(); got > most || got < most-3 {
				t.Errorf("%d looks in 20 seconds with talking %v", got, talks)
			}
			if k.installs != 2 {
				t.Errorf("rules were written %d times", k.installs)
			}
		})
	}
}
