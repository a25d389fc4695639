package power

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// killOthers kills every process but this one and the platform's connections, and returns how many were still there.
func killOthers(proc string) int {
	found := others(proc)
	for _, pid := range found {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(found)
}

// others are the living processes of the node. What came from outside and runs the agent's own program is a
// connection of the platform: nobody in the node can start a process whose parent is outside.
func others(proc string) []int {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	self, _ := os.Readlink(filepath.Join(proc, "1", "exe"))
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid <= 1 {
			continue
		}
		folder := filepath.Join(proc, entry.Name())
		parent, living := stat(folder)
		if !living {
			continue
		}
		if program, err := os.Readlink(filepath.Join(folder, "exe")); parent == 0 && err == nil && program == self {
			continue
		}
		found = append(found, pid)
	}
	return found
}

// stat reads the parent from behind the name, which may hold anything.
func stat(folder string) (parent int, living bool) {
	content, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) < 2 || bytes.ContainsAny(fields[0], "ZX") {
		return 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// killAll kills all processes in one go, so that none can be started meanwhile.
func killAll() {
	if os.Getpid() == 1 { // elsewhere, -1 would be the whole machine
		_ = syscall.Kill(-1, syscall.SIGKILL)
	}
}
