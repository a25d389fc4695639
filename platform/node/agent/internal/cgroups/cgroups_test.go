package cgroups

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryControllerOfVersionOneIsFound(t *testing.T) {
	mountinfo := `30 29 0:26 / / rw - overlay overlay rw
31 30 0:27 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
32 31 0:28 /docker/abc /sys/fs/cgroup/memory ro,nosuid,nodev master:11 - cgroup cgroup rw,memory
33 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
34 31 0:30 /docker/abc /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw
35 30 0:31 / /mnt/elsewhere ro - cgroup cgroup rw,pids
broken line
`
	got := cgroupMounts(strings.NewReader(mountinfo), "/sys/fs/cgroup")
	want := []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// The kernel's part, that a process is in one cgroup only, is played by a folder here; the whole is proven on a machine with version 2.
func TestVersionTwoMovesItsProcessesToALeafAndHandsControllersDown(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cgroup.procs", "")
	write("cgroup.controllers", "cpu memory pids\n")
	write("cgroup.subtree_control", "")
	if err := (v2{root: root}).Delegate(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(root, "init")); err != nil || !info.IsDir() {
		t.Errorf("no leaf: %v", err)
	}
	// A file keeps what was written last over what was there; the kernel would take each.
	if content, _ := os.ReadFile(filepath.Join(root, "cgroup.subtree_control")); !strings.HasPrefix(string(content), "+pids") {
		t.Errorf("handed down: %q", content)
	}
}

func TestVersionTwoSaysWhatItCouldNotDo(t *testing.T) {
	if err := (v2{root: filepath.Join(t.TempDir(), "none")}).Delegate(); err == nil {
		t.Error("no error")
	}
}
