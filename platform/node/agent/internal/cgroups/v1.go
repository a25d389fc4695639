package cgroups

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

type v1 struct{ root string }

func (v1) Name() string { return "v1" }

// Delegate makes every controller's mount writable.
func (w v1) Delegate() error {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer file.Close()
	var problems []error
	for _, path := range cgroupMounts(file, w.root) {
		problems = append(problems, remountWritable(path))
	}
	return errors.Join(problems...)
}

// cgroupMounts gives the mount points below root that are cgroup file systems, from the format of mountinfo.
func cgroupMounts(mountinfo io.Reader, root string) []string {
	var found []string
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 1 || !strings.HasPrefix(kind[0], "cgroup") {
			continue
		}
		if strings.HasPrefix(fields[4], root+"/") {
			found = append(found, fields[4])
		}
	}
	return found
}
