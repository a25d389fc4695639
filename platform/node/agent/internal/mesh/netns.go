package mesh

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// sandboxFolder is where dockerd keeps its network namespaces.
const sandboxFolder = "/run/docker/netns"

// Sandbox is one load balancer's network namespace. dockerd makes a new one of the same name when it starts anew, so
// the inode belongs to who it is. The zero Sandbox is the node itself.
type Sandbox struct {
	Name  string
	Inode uint64
}

// sandboxesIn lists the namespaces of load balancers. A file that is no namespace (any more) is left out.
func sandboxesIn(folder string) []Sandbox {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var found []Sandbox
	for _, entry := range entries {
		name := entry.Name()
		if name != ingressSandbox && !strings.HasPrefix(name, balancerPrefix) {
			continue
		}
		path := filepath.Join(folder, name)
		var system unix.Statfs_t
		var info unix.Stat_t
		if unix.Statfs(path, &system) == nil && system.Type == unix.NSFS_MAGIC && unix.Stat(path, &info) == nil {
			found = append(found, Sandbox{Name: name, Inode: info.Ino})
		}
	}
	slices.SortFunc(found, func(a, b Sandbox) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// within calls do in the namespace, on a thread that is there meanwhile: sockets, /proc/sys/net and children of do are
// the namespace's. A thread that does not find back ends with its goroutine.
func (s Sandbox) within(do func() error) error {
	if s.Name == "" {
		return do()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		defer home.Close()
		there, err := os.Open(filepath.Join(sandboxFolder, s.Name))
		if err == nil {
			err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET)
			_ = there.Close()
		}
		if err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("entering %s: %w", s.Name, err)
			return
		}
		err = do()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
