package threads

import (
	"os"
	"testing"
)

func TestReservedThreadsAreThereAndStay(t *testing.T) {
	if err := Reserve(40); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil || len(entries) < 40 {
		t.Errorf("%d threads, %v", len(entries), err)
	}
}
