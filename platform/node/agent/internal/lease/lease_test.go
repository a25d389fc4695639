package lease

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNodeEndsWhenItsLeaseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over atomic.Int32
		l := New(func() { over.Add(1) })
		l.Set(time.Hour)
		time.Sleep(time.Hour - time.Millisecond)
		synctest.Wait()
		if left, _ := l.Left(); over.Load() != 0 || left != time.Millisecond {
			t.Fatalf("over %d times, %v left", over.Load(), left)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if over.Load() != 1 {
			t.Fatalf("over %d times", over.Load())
		}
	})
}

func TestALeaseThatIsRenewedEndsOnlyAtItsNewEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over atomic.Int32
		l := New(func() { over.Add(1) })
		for range 100 {
			l.Set(time.Minute)
			time.Sleep(59 * time.Second)
		}
		synctest.Wait()
		if over.Load() != 0 {
			t.Fatal("ended although it was renewed")
		}
		l.Set(10 * time.Second)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if left, ok := l.Left(); over.Load() != 1 || left != 0 || !ok {
			t.Fatalf("over %d times, %v left", over.Load(), left)
		}
	})
}

func TestWithoutALeaseANodeStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(func() { t.Error("ended") })
		time.Sleep(Longest)
		synctest.Wait()
		if _, ok := l.Left(); ok {
			t.Error("there is a lease")
		}
	})
}
