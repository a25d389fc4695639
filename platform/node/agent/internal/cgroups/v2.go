package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type v2 struct{ root string }

func (v2) Name() string { return "v2" }

// Delegate makes the hierarchy writable, moves this process and every other in the node's root cgroup into the leaf "init" (a
// cgroup that hands controllers down may hold no process itself) and hands every controller down.
func (w v2) Delegate() error {
	if err := remountWritable(w.root); err != nil {
		return err
	}
	leaf := filepath.Join(w.root, "init")
	if err := os.MkdirAll(leaf, 0o755); err != nil {
		return err
	}
	if err := w.moveProcesses(leaf); err != nil {
		return err
	}
	return w.handDown()
}

// moveProcesses goes round until none is left: a process may start another between the reading and the moving.
func (w v2) moveProcesses(leaf string) error {
	for range 10 {
		content, err := os.ReadFile(filepath.Join(w.root, "cgroup.procs"))
		if err != nil {
			return err
		}
		pids := strings.Fields(string(content))
		if len(pids) == 0 {
			return nil
		}
		var problem error
		for _, pid := range pids {
			if _, err := strconv.Atoi(pid); err != nil || pid == "0" {
				continue // a process of another pid namespace
			}
			if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte(pid), 0); err != nil {
				problem = err
			}
		}
		if problem != nil && len(pids) == 1 {
			return fmt.Errorf("moving process %s to the leaf cgroup: %w", pids[0], problem)
		}
	}
	return nil
}

func (w v2) handDown() error {
	content, err := os.ReadFile(filepath.Join(w.root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	var problems []error
	for _, controller := range strings.Fields(string(content)) {
		if err := os.WriteFile(filepath.Join(w.root, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
			problems = append(problems, fmt.Errorf("handing %s down: %w", controller, err))
		}
	}
	return errors.Join(problems...)
}
