package reaper

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// running gives a reaper that adopts the test's orphans, as PID 1 does those of a node.
func running(t *testing.T) *Reaper {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	r := New()
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { r.Run(ctx); close(stopped) }()
	t.Cleanup(func() { cancel(); <-stopped })
	return r
}

func ended(t *testing.T, child *Child) {
	t.Helper()
	select {
	case <-child.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the child was not collected")
	}
}

func TestEveryChildGetsItsOwnExitStatus(t *testing.T) {
	r := running(t)
	var children []*Child
	for code := range 40 {
		child, err := r.Start(exec.Command("/bin/sh", "-c", "exit "+strconv.Itoa(code%10)))
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, child)
	}
	for i, child := range children {
		ended(t, child)
		if got := child.Status().ExitStatus(); got != i%10 {
			t.Errorf("child %d ended with %d, not %d", i, got, i%10)
		}
	}
}

func TestOrphansAreCollectedWhileAChildIsWaitedFor(t *testing.T) {
	r := running(t)
	child, err := r.Start(exec.Command("/bin/sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.3; exit 7"))
	if err != nil {
		t.Fatal(err)
	}
	ended(t, child)
	if got := child.Ending(); got != "exit status 7" {
		t.Errorf("ending = %q", got)
	}
	deadline := time.Now().Add(5 * time.Second)
	for r.Orphans() < 5 {
		if time.Now().After(deadline) {
			t.Fatalf("%d of 5 orphans collected", r.Orphans())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if zombies := zombiesOf(t, os.Getpid()); zombies != 0 {
		t.Errorf("%d zombies left", zombies)
	}
}

func TestAChildThatIsKilledSaysSo(t *testing.T) {
	r := running(t)
	child, err := r.Start(exec.Command("/bin/sleep", "60"))
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended(t, child)
	if got := child.Ending(); got != "signal: killed" {
		t.Errorf("ending = %q", got)
	}
	if err := child.Signal(syscall.SIGKILL); err != os.ErrProcessDone {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestAProgramThatIsNotThereIsAnErrorAndLeavesNothing(t *testing.T) {
	r := running(t)
	if _, err := r.Start(exec.Command("/no/such/program")); err == nil {
		t.Fatal("no error")
	}
	if len(r.children) != 0 {
		t.Error("an entry was left in the table")
	}
}

func TestStreamsThatNeedACopierAreRefused(t *testing.T) {
	cmd := exec.Command("/bin/true")
	cmd.Stdout = &strings.Builder{}
	if _, err := New().Start(cmd); err == nil {
		t.Fatal("no error")
	}
}

func zombiesOf(t *testing.T, parent int) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(parent) {
			count++
		}
	}
	return count
}
