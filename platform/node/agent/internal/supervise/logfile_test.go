package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestALogStaysBoundedHoweverMuchIsPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dockerd.log")
	log := NewLog(path, nil)
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
	log := NewLog("/dev/full", nil)
	for range 3 {
		if n, err := log.Write([]byte("no space\n")); n != 9 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if got := log.LastLines(10); strings.Count(got, "no space") != 3 {
		t.Errorf("last lines %q", got)
	}
}

func TestOfAPipeOnlyTheWantedLinesAreKeptAndAllAreSeen(t *testing.T) {
	var seen int
	log := NewLog(filepath.Join(t.TempDir(), "dockerd.log"), func(line []byte) bool {
		seen++
		return !bytes.Contains(line, []byte("debug"))
	})
	writer, err := log.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 3*maxLine)
	_, _ = writer.WriteString("level=info one\nlevel=debug two\nlevel=debug " + long + "\nlevel=info " + long + "\nthe last, unfinished")
	_ = writer.Close()
	for deadline := time.Now().Add(5 * time.Second); !strings.HasSuffix(log.LastLines(1), "unfinished"); {
		if time.Now().After(deadline) {
			t.Fatalf("the log ends with %.80q", log.LastLines(1))
		}
		time.Sleep(time.Millisecond)
	}
	content, err := os.ReadFile(log.path)
	if want := "level=info one\nlevel=info " + long + "\nthe last, unfinished"; err != nil || string(content) != want || seen != 5 {
		t.Errorf("%v, %d lines seen, %d bytes kept", err, seen, len(content))
	}
}
