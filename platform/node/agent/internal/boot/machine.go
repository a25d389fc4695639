package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/cgroups"
)

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// PrepareMachine does all that containerd and dockerd need before they start. It goes through every step and returns
// what was refused.
func PrepareMachine(world cgroups.World) error {
	if os.Getenv("PATH") == "" {
		_ = os.Setenv("PATH", searchPath)
	}
	unix.Umask(0o022)
	return errors.Join(
		world.Delegate(),
		ensureTmpfs("/run", "mode=755"),
		ensureTmpfs("/tmp", "mode=1777"),
		shareMounts(),
		enableForwarding(),
		MakeFolders(),
	)
}

// MakeFolders makes the folders that containerd and dockerd need, where they are missing.
func MakeFolders() error {
	return makeFolders("/run/slipway", "/run/containerd", "/run/docker", "/var/lib/docker", "/var/lib/containerd", "/var/log")
}

// ensureTmpfs mounts one where the outer engine has not: sockets and pid files of an earlier boot must be gone.
func ensureTmpfs(path, options string) error {
	var info unix.Statfs_t
	if err := unix.Statfs(path, &info); err == nil && info.Type == unix.TMPFS_MAGIC {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mounting a tmpfs on %s: %w", path, err)
	}
	return nil
}

// shareMounts lets mounts made inside containers be seen by others in this node (`-v …:shared`), as on a machine.
// They never reach the host: the node's mount namespace belongs to its own user namespace.
func shareMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("sharing mounts: %w", err)
	}
	return nil
}

func enableForwarding() error {
	var problems []error
	for _, setting := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
		err := os.WriteFile(filepath.Join("/proc/sys", setting), []byte("1\n"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func makeFolders(paths ...string) error {
	var problems []error
	for _, path := range paths {
		problems = append(problems, os.MkdirAll(path, 0o755))
	}
	return errors.Join(problems...)
}
