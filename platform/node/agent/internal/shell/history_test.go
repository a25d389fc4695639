package shell

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestHistoryOfSeveralShellsIsGivenInTheOrderOfTime(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "1", "#100\ndocker ps\n#300\ndocker run\n")
	write(t, folder, "b", "cut in half\n#200\nls\n#400\n")
	write(t, folder, "Not A Shell", "#1\nno\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, c := range readHistory(folder, 10) {
		got += c.Shell + ":" + c.Command + " "
	}
	if got != "1:docker ps b:ls 1:docker run " {
		t.Errorf("history %q", got)
	}
	if last := readHistory(folder, 1); len(last) != 1 || last[0] != (Command{Shell: "1", At: 300, Command: "docker run"}) {
		t.Errorf("the last one %+v", last)
	}
}

func TestAHugeHistoryIsReadFromItsEndAndItsCommandsAreCut(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "1", strings.Repeat("#100\nold\n", 200000)+"#900\n"+strings.Repeat("\xff", 10000)+"\n#901\nnew\n")
	got := readHistory(folder, 5000)
	last := got[len(got)-1]
	if len(got) > 5000 || last.Command != "new" {
		t.Fatalf("%d commands, the last %+v", len(got), last)
	}
	if long := got[len(got)-2].Command; len(long) > longestCommand || !strings.HasPrefix(long, "\uFFFD") {
		t.Errorf("%d bytes: %.10q", len(long), long)
	}
}

func TestWithoutHistoryThereIsAnEmptyList(t *testing.T) {
	if got := readHistory(t.TempDir()+"/none", 10); got == nil || len(got) != 0 {
		t.Errorf("history %v", got)
	}
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
