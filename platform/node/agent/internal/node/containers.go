package node

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// containerPatience is how long the containers of a dockerd that was killed have to end by themselves.
const containerPatience = 400 * time.Millisecond

// endContainers ends what a killed dockerd left running. Without live-restore a new dockerd ends these containers
// anyway before it serves anything, giving each ten seconds; doing it now is what brings it back within two.
// A restart policy then applies as ever.
func endContainers() {
	left := containerProcesses("/proc")
	for _, pid := range left {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(containerPatience); len(left) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		left = containerProcesses("/proc")
	}
	for _, pid := range left {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// containerProcesses gives the processes whose parents are the shims of Docker's containers: each container's
// first process and what `docker exec` started.
func containerProcesses(proc string) []int {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	parents := make(map[int]int)
	shims := make(map[int]bool)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		folder := proc + "/" + entry.Name()
		parents[pid] = parentOf(folder)
		if words, err := os.ReadFile(folder + "/cmdline"); err == nil {
			argv := strings.Split(string(words), "\x00")
			shims[pid] = strings.HasSuffix(argv[0], "/containerd-shim-runc-v2") && strings.Contains(string(words), "-namespace\x00moby\x00")
		}
	}
	var found []int
	for pid, parent := range parents {
		if shims[parent] && !shims[pid] {
			found = append(found, pid)
		}
	}
	return found
}

// parentOf reads the parent from stat, behind the name, which may hold anything; 0 for a process that has ended.
func parentOf(folder string) int {
	stat, err := os.ReadFile(folder + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 || string(fields[0]) == "Z" {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}
