// Package cgroups makes the node's own cgroup usable for the containers inside it. There are two worlds, cgroup
// v1 and v2, and only this package knows the difference. The right to write must have been given from the host
// before PID 1 started; nothing here can take it.
package cgroups

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const root = "/sys/fs/cgroup"

// World is one of the two kinds of cgroup hierarchy.
type World interface {
	// Name is "v1" or "v2".
	Name() string
	// Delegate makes the hierarchy writable for container engines in this node.
	Delegate() error
}

// Detect tells which world this node lives in.
func Detect() World {
	var info unix.Statfs_t
	if unix.Statfs(root, &info) == nil && info.Type == unix.CGROUP2_SUPER_MAGIC {
		return v2{root: root}
	}
	return v1{root: root}
}

// remountWritable keeps every flag of the mount but read-only: in a user namespace the others may be locked, and
// clearing a locked one is refused.
func remountWritable(path string) error {
	var info unix.Statfs_t
	if err := unix.Statfs(path, &info); err != nil {
		return err
	}
	if info.Flags&unix.ST_RDONLY == 0 {
		return nil
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND)
	for _, pair := range [][2]uintptr{
		{unix.ST_NOSUID, unix.MS_NOSUID}, {unix.ST_NODEV, unix.MS_NODEV}, {unix.ST_NOEXEC, unix.MS_NOEXEC},
		{unix.ST_NOATIME, unix.MS_NOATIME}, {unix.ST_NODIRATIME, unix.MS_NODIRATIME}, {unix.ST_RELATIME, unix.MS_RELATIME},
	} {
		if uintptr(info.Flags)&pair[0] != 0 {
			flags |= pair[1]
		}
	}
	if err := unix.Mount("none", path, "", flags, ""); err != nil {
		return fmt.Errorf("remounting %s read-write: %w", path, err)
	}
	return nil
}
