package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogStaysBoundedHoweverMuchIsPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dockerd.log")
	log := NewLog(path)
	line := append(bytes.Repeat([]byte("x"), 999), '\n')
	for range 10 * maxLogSize / len(line) {
		_, _ = log.Write(line)
	}
	_, _ = log.Write([]byte("the last line\n"))
	for _, name := range []string{path, path + ".1"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > maxLogSize {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if got := log.LastLines(1); got != "the last line" {
		t.Errorf("last line %q", got)
	}
	if len(log.tail) > tailSize {
		t.Errorf("%d bytes in memory", len(log.tail))
	}
}

func TestALogOnAFullDiskStillKnowsItsLastLines(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	log := NewLog("/dev/full")
	for range 3 {
		if n, err := log.Write([]byte("no space\n")); n != 9 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if got := log.LastLines(10); strings.Count(got, "no space") != 3 {
		t.Errorf("last lines %q", got)
	}
}
