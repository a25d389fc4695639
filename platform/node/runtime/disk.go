package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The disk is thrown away with its node and must only survive an orderly stop: nothing waits for the host's disk.
const diskOptions = "nobarrier,noinit_itable,noauto_da_alloc,discard"

// attachDisk mounts the node's disk and lays the writable layer of its root on it; returns where it is mounted.
//
// The file lies in the engine's own folder of the container, so that it lives as long as the container (a stop and a
// start keep it) and goes when the engine removes the container, whatever became of us. The root is an overlay over
// the one the engine mounted, at the same place, and the engine's own writable layer is covered by the disk's: so
// `docker cp`, `docker diff` and `docker commit` on a running node see what its learner sees.
func attachDisk(id string, s *spec, mounts []specMount, bytes int64) (string, error) {
	if err := releaseDisk(id); err != nil {
		return "", err
	}
	home, err := engineFolder(mounts)
	if err != nil {
		return "", err
	}
	uid, gid, err := s.hostRoot()
	if err != nil {
		return "", err
	}
	root, err := s.rootPath()
	if err != nil {
		return "", err
	}
	engineUpper, err := overlayUpper(root)
	if err != nil {
		return "", err
	}
	file, disk := filepath.Join(home, "slipway-disk.ext4"), filepath.Join(home, "slipway-disk")
	if err := makeDisk(file, bytes, uid, gid); err != nil {
		return "", err
	}
	if err := os.Mkdir(disk, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	targets := []string{disk, root}
	if engineUpper != "" {
		targets = append(targets, engineUpper)
	}
	// Written first: a crash between here and the last mount leaves nothing that releaseDisk does not know.
	if err := (record{Mounts: targets}).save(id); err != nil {
		return "", err
	}
	if err := mountLoop(file, disk); err != nil {
		return "", err
	}
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", root, disk, disk)
	if err := syscall.Mount("overlay", root, "overlay", 0, layers); err != nil {
		return "", fmt.Errorf("mount the root's overlay: %w", err)
	}
	if engineUpper != "" {
		if err := syscall.Mount(disk+"/upper", engineUpper, "", syscall.MS_BIND, ""); err != nil {
			return "", fmt.Errorf("cover the engine's writable layer: %w", err)
		}
	}
	return disk, nil
}

// engineFolder is where the engine keeps what belongs to this container: the folder of its /etc/hostname.
func engineFolder(mounts []specMount) (string, error) {
	for _, m := range mounts {
		if m.Destination == "/etc/hostname" && filepath.IsAbs(m.Source) {
			return filepath.Dir(m.Source), nil
		}
	}
	return "", errors.New("the container has no /etc/hostname of the engine's")
}

// overlayUpper is the writable layer of the overlay mounted at root, "" when there is no overlay.
func overlayUpper(root string) (string, error) {
	entries, err := readMountinfo()
	if err != nil {
		return "", err
	}
	for _, entry := range slices.Backward(entries) {
		if entry.target != root || entry.kind != "overlay" {
			continue
		}
		for _, option := range strings.Split(entry.superOptions, ",") {
			if upper, found := strings.CutPrefix(option, "upperdir="); found && filepath.IsAbs(upper) {
				return upper, nil
			}
		}
	}
	return "", nil
}

// beside is a path next to the folder of this binary: the engine's launcher puts templates and state there.
func beside(parts ...string) (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{filepath.Dir(filepath.Dir(executable))}, parts...)...), nil
}

// record is what must be known about a container's disk after the call that made it: where things are mounted, in
// order, and which of the engine's files were copied where.
type record struct {
	Mounts []string          `json:"mounts"`
	Copies map[string]string `json:"copies"`
}

func recordPath(id string) (string, error) { return beside("state", id+".json") }

func (r record) save(id string) error {
	path, err := recordPath(id)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// loadRecord reads a container's record; a container without a disk has an empty one.
func loadRecord(id string) (record, error) {
	var r record
	path, err := recordPath(id)
	if err != nil {
		return r, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// releaseDisk undoes every mount of a container's disk, the last first; having none is fine.
func releaseDisk(id string) error {
	path, err := recordPath(id)
	if err != nil {
		return err
	}
	r, err := loadRecord(id)
	if err != nil || len(r.Mounts) == 0 {
		return err
	}
	entries, err := readMountinfo()
	if err != nil {
		return err
	}
	var failures []error
	for _, target := range slices.Backward(r.Mounts) {
		if !oursOnTop(entries, target) {
			continue
		}
		if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			failures = append(failures, fmt.Errorf("unmount %s: %w", target, err))
		}
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	return os.Remove(path)
}

// oursOnTop reports whether the topmost mount at target was made by us: over the engine's own overlay that is the
// second one there, everywhere else the only one.
func oursOnTop(entries []mountEntry, target string) bool {
	count, overlays := 0, 0
	for _, entry := range entries {
		if entry.target == target {
			count++
			if entry.kind == "overlay" && !strings.Contains(entry.superOptions, "/slipway-disk/upper") {
				overlays++
			}
		}
	}
	return count > overlays
}
