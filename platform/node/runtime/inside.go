package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
)

// runInsideNode becomes the node's real runc. A privileged container asks for a writable sysfs, which the kernel
// refuses in a user namespace that sees sysfs read-only ("mount too revealing"): it gets a read-only one. The session
// keyring is left out because its quota is counted per user of the host and all nodes share that user.
func runInsideNode(c call) (int, error) {
	args := c.args
	if c.command == "create" || c.command == "run" {
		if err := adaptMounts(c.bundle); err != nil {
			return 1, err
		}
		args = c.with("--no-new-keyring")
	}
	path, err := realRunc()
	if err != nil {
		return 1, err
	}
	return 1, syscall.Exec(path, append([]string{"runc"}, args...), os.Environ())
}

// adaptMounts changes the mounts that the kernel would refuse in a user namespace.
func adaptMounts(bundle string) error {
	s, err := readSpec(bundle)
	if err != nil {
		return err
	}
	mounts, err := s.mounts()
	if err != nil {
		return err
	}
	changed := false
	for i, m := range mounts {
		switch {
		case m.Type == "sysfs":
			mounts[i].Options = replaceOption(m.Options, "rw", "ro")
			changed = true
		case slices.Contains(m.Options, "ro") && (slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")):
			mounts[i].Options = append(slices.Clone(m.Options), lockedOptions(m.Source, m.Options)...)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if err := s.set("mounts", mounts); err != nil {
		return err
	}
	return s.write()
}

// lockedOptions are what a mount of the source must keep when it is made read-only: in a user namespace the kernel refuses to
// let go of the flags of a file system that was mounted outside, such as the node's disk.
func lockedOptions(source string, given []string) []string {
	var info syscall.Statfs_t
	if syscall.Statfs(source, &info) != nil {
		return nil
	}
	var kept []string
	for _, each := range []struct {
		flag   int64
		option string
	}{{0x2, "nosuid"}, {0x4, "nodev"}, {0x8, "noexec"}, {0x400, "noatime"}, {0x800, "nodiratime"}, {0x1000, "relatime"}} {
		if info.Flags&each.flag != 0 && !slices.Contains(given, each.option) {
			kept = append(kept, each.option)
		}
	}
	return kept
}

// realRunc is the packaged runc, never this program, which may go by that name too.
func realRunc() (string, error) {
	for _, path := range []string{"/usr/sbin/runc", "/usr/bin/runc"} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("runc is neither in /usr/sbin nor in /usr/bin")
}
