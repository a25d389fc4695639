package main

import (
	"fmt"
	"os"
	"syscall"
)

// runInsideNode becomes the node's real runc. A privileged container asks for a writable sysfs, which the kernel
// refuses in a user namespace that sees sysfs read-only ("mount too revealing"): it gets a read-only one. The session
// keyring is left out because its quota is counted per user of the host and all nodes share that user.
func runInsideNode(c call) (int, error) {
	args := c.args
	if c.command == "create" || c.command == "run" {
		if err := makeSysfsReadOnly(c.bundle); err != nil {
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

func makeSysfsReadOnly(bundle string) error {
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
		if m.Type == "sysfs" {
			mounts[i].Options = replaceOption(m.Options, "rw", "ro")
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

// realRunc is the packaged runc, never this program, which may go by that name too.
func realRunc() (string, error) {
	for _, path := range []string{"/usr/sbin/runc", "/usr/bin/runc"} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("runc is neither in /usr/sbin nor in /usr/bin")
}
