package power

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEverythingIsKilledButTheAgentAndThePlatformsConnections(t *testing.T) {
	proc := t.TempDir()
	add := func(pid, stat, program string) {
		folder := filepath.Join(proc, pid)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "stat"), []byte(stat), 0o644); err != nil {
			t.Fatal(err)
		}
		if program != "" {
			if err := os.Symlink(program, filepath.Join(folder, "exe")); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("1", "1 (slipway-node) S 0 1", "/usr/sbin/slipway-node")
	add("20", "20 (slipway-node) S 0 20", "/usr/sbin/slipway-node") // a connection of the platform
	add("21", "21 (slipway-node) S 40 21", "/usr/sbin/slipway-node")
	add("22", "22 (bash) S 0 22", "/usr/bin/bash")
	add("30", "30 (dockerd) S 1 30", "/usr/sbin/dockerd")
	add("31", "31 (odd) S 0 (name) S 30 31", "/bin/sh")
	add("32", "32 (kernel's) S 30 0", "")
	add("33", "33 (dead) Z 30 30", "")
	add("40", "40 (bash) S 1 40", "/usr/bin/bash")
	got := others(proc)
	slices.Sort(got)
	if want := []int{21, 22, 30, 31, 32, 40}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMountsAreReadInOrderWithTheirNamesAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mountinfo")
	content := "21 1 0:2 / / rw - overlay overlay rw\n40 21 0:3 / /var/a\\040b\\134c rw shared:1 - tmpfs x rw\nnonsense\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readMounts(path)
	if want := []mount{{21, "/"}, {40, `/var/a b\c`}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMemoryIsEmptiedButForWhatIsMountedThereAndOurs(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"docker/netns/x", "kept/file", "docker.pid"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(folder, "kept")
	if err := empty(folder, func(path string) bool { return path == kept }); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 || entries[0].Name() != "kept" {
		t.Errorf("%v", entries)
	}
	if _, err := os.Stat(filepath.Join(kept, "file")); err != nil {
		t.Error(err)
	}
	keeps := mountedOrOurs([]mount{{1, "/run/slipway-registry"}})
	if !keeps("/run/slipway-registry") || !keeps("/run/slipway") || keeps("/run/docker") {
		t.Error("the agent's folder and mounts are kept, and nothing else")
	}
}

func TestGroupsAreRemovedFromTheInside(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "memory/docker/abc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	removeCgroups(root)
	if entries, _ := os.ReadDir(root); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}
