package supervise

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type fakeProcess struct {
	pid    int
	done   chan struct{}
	ending string
}

func (p *fakeProcess) Pid() int                    { return p.pid }
func (p *fakeProcess) Done() <-chan struct{}       { return p.done }
func (p *fakeProcess) Ending() string              { return p.ending }
func (p *fakeProcess) Signal(syscall.Signal) error { close(p.done); return nil }

// stage is a world in which processes last as long as lives says, the last of them for all that follow.
type stage struct {
	service *Service
	started []time.Duration
	states  []State
	lives   []time.Duration
	readyIn time.Duration
	scarce  time.Duration // how long no process is to be had
	begin   time.Time
}

func (g *stage) start(*exec.Cmd) (Process, error) {
	g.started = append(g.started, time.Since(g.begin))
	if time.Since(g.begin) < g.scarce {
		return nil, syscall.EAGAIN
	}
	life := g.lives[min(len(g.started), len(g.lives))-1]
	process := &fakeProcess{pid: 100 + len(g.started), done: make(chan struct{}), ending: "exit status 1"}
	time.AfterFunc(life, func() {
		select {
		case <-process.done:
		default:
			close(process.done)
		}
	})
	return process, nil
}

func (g *stage) probe(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(g.readyIn):
		return nil
	}
}

// set builds the service without starting it.
func (g *stage) set(t *testing.T) {
	t.Helper()
	g.begin = time.Now()
	spec := Spec{
		Name: "dockerd", Command: func() *exec.Cmd { return exec.Command("/bin/true") },
		Probe: g.probe, LogPath: t.TempDir() + "/log",
	}
	g.service = New(spec, g.begin, g.start, func(_ string, state State) { g.states = append(g.states, state) })
}

func (g *stage) play(t *testing.T, length time.Duration) {
	t.Helper()
	if g.service == nil {
		g.set(t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan struct{})
	go func() { g.service.Run(ctx); close(finished) }()
	time.Sleep(length)
	synctest.Wait()
	t.Cleanup(func() {
		cancel()
		g.service.Stop(context.Background())
		<-finished
	})
}

func seconds(values ...float64) []time.Duration {
	out := make([]time.Duration, len(values))
	for i, v := range values {
		out[i] = time.Duration(v * float64(time.Second))
	}
	return out
}

func TestAServiceThatKeepsEndingIsStartedAtOnceThenAfterGrowingDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{lives: seconds(0), readyIn: time.Hour}
		g.play(t, 20*time.Second)
		want := seconds(0, 0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5)
		if !slices.Equal(g.started, want) {
			t.Errorf("started at %v, want %v", g.started, want)
		}
		if got := g.service.Status(); got.State != Failed || got.Restarts != 8 || *got.LastExit != "exit status 1" {
			t.Errorf("status %+v", got)
		}
	})
}

func TestAServiceThatWasReadyForLongIsStartedAtOnceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{lives: seconds(20, 20, 20, 1000), readyIn: time.Second}
		g.play(t, 70*time.Second)
		if want := seconds(0, 20, 40, 60); !slices.Equal(g.started, want) {
			t.Errorf("started at %v, want %v", g.started, want)
		}
		want := []State{Ready, Down, Starting, Ready, Down, Starting, Ready, Down, Starting, Ready}
		if !slices.Equal(g.states, want) {
			t.Errorf("states %v", g.states)
		}
		if got := g.service.Status(); *got.ReadyAfterMS != 1000 || got.Pid != 104 {
			t.Errorf("status %+v", got)
		}
	})
}

func TestAServiceIsTriedAgainWhenNoProcessIsToBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{scarce: 3 * time.Second, lives: seconds(1000), readyIn: time.Second}
		g.play(t, 3*time.Second)
		if got := g.service.Status(); got.State != Down || !strings.Contains(*got.LastExit, "temporarily") {
			t.Fatalf("status %+v", got)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := g.service.Status(); got.State != Ready {
			t.Errorf("status %+v", got)
		}
	})
}

func TestWhoWaitsForAServiceIsAnsweredTheMomentItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{lives: seconds(1000), readyIn: 700 * time.Millisecond}
		g.set(t)
		answered := make(chan time.Duration, 1)
		go func() {
			if _, err := g.service.WaitReady(context.Background()); err == nil {
				answered <- time.Since(g.begin)
			}
		}()
		g.play(t, time.Second)
		if got := <-answered; got != 700*time.Millisecond {
			t.Errorf("answered after %v", got)
		}
	})
}

func TestWhoWaitsForAServiceThatNeverAnswersIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{lives: seconds(1000), readyIn: time.Hour}
		g.play(t, time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := g.service.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAServiceThatWasKilledForGoodCanBeRunAgainAndCountsItsReadinessAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &stage{lives: seconds(3600), readyIn: time.Second}
		g.set(t)
		run := func() (end func()) {
			ctx, cancel := context.WithCancel(context.Background())
			finished := make(chan struct{})
			go func() { g.service.Run(ctx); close(finished) }()
			time.Sleep(2 * time.Second)
			return func() { cancel(); g.service.Kill(); <-finished }
		}
		run()()
		g.service.Lost("no power")
		if got := g.service.Status(); got.State != Down || got.Pid != 0 || *got.LastExit != "no power" {
			t.Errorf("status %+v", got)
		}
		time.Sleep(time.Minute)
		end := run()
		if got := g.service.Status(); got.State != Ready || *got.ReadyAfterMS != 1000 || got.Restarts != 1 {
			t.Errorf("status %+v, ready after %d ms", got, *got.ReadyAfterMS)
		}
		end()
	})
}
