package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Everything a node's own engine and cluster write lies straight on the node's disk, apart from the overlay of its
// root: an overlay cannot be the upper layer of the overlays that they make. The disk's template has these folders.
var diskFolders = map[string]string{
	"docker":     "/var/lib/docker",
	"containerd": "/var/lib/containerd",
	"kubelet":    "/var/lib/kubelet",
	"etcd":       "/var/lib/etcd",
}

// runNode is the runtime of the outer engine.
func runNode(c call) (int, error) {
	switch c.command {
	case "create":
		return createNode(c)
	case "start":
		if err := refreshEngineFiles(c.id); err != nil {
			return 1, err
		}
	case "delete":
		code, err := runRunc(c.args)
		if err == nil && code == 0 {
			err = releaseDisk(c.id)
		}
		return code, err
	}
	path, err := realRunc()
	if err != nil {
		return 1, err
	}
	return 1, syscall.Exec(path, append([]string{"runc"}, c.args...), os.Environ())
}

// createNode prepares the disk and config.json, has runc create the container, and hands it its cgroups while its
// first process still waits to be started.
func createNode(c call) (int, error) {
	s, err := readSpec(c.bundle)
	if err != nil {
		return 1, err
	}
	if err := prepareSpec(c.id, s); err != nil {
		return 1, errors.Join(err, releaseDisk(c.id))
	}
	code, err := runRunc(c.with("--no-new-keyring"))
	if err != nil || code != 0 {
		return code, errors.Join(err, releaseDisk(c.id))
	}
	pid, err := readPid(c.pidFile)
	if err != nil {
		return 1, err
	}
	uid, gid, err := s.hostRoot()
	if err != nil {
		return 1, err
	}
	return 0, errors.Join(delegateCgroups(pid, uid, gid), settleNamespaces(pid))
}

func prepareSpec(id string, s *spec) error {
	mounts, err := s.mounts()
	if err != nil {
		return err
	}
	for i, m := range mounts {
		if m.Type == "cgroup" {
			mounts[i].Options = replaceOption(m.Options, "ro", "rw")
		}
	}
	size, err := s.environment("SLIPWAY_DISK_BYTES")
	if err != nil {
		return err
	}
	if size != "" {
		bytes, err := strconv.ParseInt(size, 10, 64)
		if err != nil || bytes <= 0 {
			return fmt.Errorf("SLIPWAY_DISK_BYTES is not a number of bytes: %q", size)
		}
		disk, err := attachDisk(id, s, mounts, bytes)
		if err != nil {
			return fmt.Errorf("give the node its disk: %w", err)
		}
		uid, gid, err := s.hostRoot()
		if err != nil {
			return err
		}
		if err := moveEngineFiles(id, disk, mounts, uid, gid); err != nil {
			return fmt.Errorf("copy the engine's files: %w", err)
		}
		for name, destination := range diskFolders {
			mounts = append(mounts, specMount{
				Destination: destination, Type: "bind", Source: disk + "/" + name, Options: []string{"bind", "rw", "nodev"},
			})
		}
	}
	if err := s.set("mounts", mounts); err != nil {
		return err
	}
	return s.write()
}

// runRunc runs the real runc with our standard streams and waits for it.
func runRunc(args []string) (int, error) {
	path, err := realRunc()
	if err != nil {
		return 1, err
	}
	command := exec.Command(path, args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

func readPid(path string) (int, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}
