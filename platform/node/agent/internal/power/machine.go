package power

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"slipway.dev/node/internal/boot"
	"slipway.dev/node/internal/reaper"
)

const (
	// killTime is how long everything is killed one by one before the platform's own connections go, too.
	killTime = 3 * time.Second
	toolTime = 5 * time.Second
)

// memoryFolders hold files in memory alone: what lies there is gone without power.
var memoryFolders = []string{"/run", "/tmp", "/dev/shm"}

// ours are kept in them: the agent's own socket, and the record of what the shells were asked.
var ours = map[string]bool{"/run/slipway": true}

// Machine is the node as it was at boot, which is what a node without power comes back to.
type Machine struct {
	reaper  *reaper.Reaper
	uplinks []uplink
	mounts  map[int]bool
	cgroups string
	rules   firewall
}

// Remember looks at the node before anything was started in it. Nothing that others add later survives Forget.
func Remember(r *reaper.Reaper) (*Machine, error) {
	uplinks, linksErr := findUplinks()
	mounts, mountsErr := readMounts(mountinfo)
	m := &Machine{reaper: r, uplinks: uplinks, mounts: make(map[int]bool), cgroups: "/sys/fs/cgroup"}
	for _, mount := range mounts {
		m.mounts[mount.id] = true
	}
	return m, errors.Join(linksErr, mountsErr)
}

// RememberRules looks at the packet filter, which takes programs and thus longer; before anyone adds a rule.
func (m *Machine) RememberRules(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	rules, err := readFirewall(ctx, m.reaper)
	m.rules = rules
	return err
}

// CutLinks takes the node's own links down at once, so that nobody hears anything of what happens next.
func (m *Machine) CutLinks() error { return cutLinks(m.uplinks) }

// Kill kills all processes but the agent's until none is left and settled says that none is about to be started.
func (m *Machine) Kill(settled func() bool) {
	for deadline := time.Now().Add(killTime); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if killOthers("/proc") == 0 && settled() {
			return
		}
	}
	killAll() // something starts processes faster than they are found: the platform connects anew
}

// Forget takes away what lived in memory only. Nothing may run. It goes through every step and returns what was refused.
func (m *Machine) Forget(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*toolTime)
	defer cancel()
	destroySockets()
	problems := []error{m.unmount(), deleteLinks(m.uplinks), m.rules.restore(ctx, m.reaper)}
	kept, err := readMounts(mountinfo)
	problems = append(problems, err)
	for _, folder := range memoryFolders {
		problems = append(problems, empty(folder, mountedOrOurs(kept)))
	}
	removeCgroups(m.cgroups)
	return errors.Join(problems...)
}

// Restore brings the node's own links up again, with the addresses and routes that they had at boot, and makes the
// folders that services need.
func (m *Machine) Restore() error { return errors.Join(boot.MakeFolders(), restoreLinks(m.uplinks)) }

func mountedOrOurs(mounts []mount) func(path string) bool {
	points := make(map[string]bool)
	for _, each := range mounts {
		points[each.point] = true
	}
	return func(path string) bool { return ours[path] || points[path] }
}

// empty removes everything below a folder but what is kept.
func empty(folder string, kept func(path string) bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var problems []error
	for _, entry := range entries {
		if path := filepath.Join(folder, entry.Name()); !kept(path) {
			problems = append(problems, os.RemoveAll(path))
		}
	}
	return errors.Join(problems...)
}
