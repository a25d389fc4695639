package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files by which the owner of a cgroup moves processes, makes children and, in the older world, is told of its memory
// (a kubelet evicts pods by that). Limits are not among them: they stay the host's, so a node cannot raise its own.
var (
	delegatedV1 = []string{"", "cgroup.procs", "tasks", "cgroup.clone_children", "cgroup.event_control"}
	delegatedV2 = []string{"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}
)

// delegateCgroups gives every cgroup of the process to the node's root, so that its own engine can make cgroups below.
func delegateCgroups(pid, uid, gid int) error {
	membership, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return err
	}
	mountpoints, err := cgroupMountpoints()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(membership)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[2] == "/" {
			continue
		}
		top, mounted := mountpoints[parts[1]]
		if !mounted {
			continue
		}
		files := delegatedV1
		if parts[1] == "" {
			files = delegatedV2
		}
		for _, name := range files {
			err := os.Lchown(filepath.Join(top, parts[2], name), uid, gid)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("delegate cgroup: %w", err)
			}
		}
	}
	return nil
}

// cgroupMountpoints maps a hierarchy as /proc/PID/cgroup names it ("memory", "cpu,cpuacct", "name=systemd", "" for v2)
// to where it is mounted.
func cgroupMountpoints() (map[string]string, error) {
	entries, err := readMountinfo()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	hierarchies, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(hierarchies)) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			known[parts[1]] = true
		}
	}
	found := map[string]string{}
	for _, entry := range entries {
		switch entry.kind {
		case "cgroup2":
			found[""] = entry.target
		case "cgroup":
			for name := range known {
				if name != "" && hasAll(entry.superOptions, strings.Split(name, ",")) {
					found[name] = entry.target
				}
			}
		}
	}
	return found, nil
}

func hasAll(options string, wanted []string) bool {
	have := map[string]bool{}
	for _, option := range strings.Split(options, ",") {
		have[option] = true
	}
	for _, name := range wanted {
		if !have[name] {
			return false
		}
	}
	return true
}
