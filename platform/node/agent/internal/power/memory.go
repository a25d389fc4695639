package power

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const mountinfo = "/proc/self/mountinfo"

type mount struct {
	id    int
	point string
}

// readMounts gives the mounts in the order in which they were made.
func readMounts(path string) ([]mount, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []mount
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20) // an overlay's line names all of its layers
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 {
			continue
		}
		id, err := strconv.Atoi(fields[0])
		if err != nil {
			continue
		}
		found = append(found, mount{id, unescape(fields[4])})
	}
	return found, lines.Err()
}

// unescape undoes what the kernel does to spaces and the like in paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// unmount takes away every mount that was not there at boot, the last first. Network namespaces that only a mount
// kept alive end with it.
func (m *Machine) unmount() error {
	mounts, err := readMounts(mountinfo)
	problems := []error{err}
	for _, each := range slices.Backward(mounts) {
		if m.mounts[each.id] {
			continue
		}
		err := unix.Unmount(each.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) { // gone with another
			problems = append(problems, fmt.Errorf("unmounting %s: %w", each.point, err))
		}
	}
	return errors.Join(problems...)
}

// removeCgroups removes all groups without processes, the innermost first; the kernel keeps those that have some.
func removeCgroups(root string) {
	var folders []string
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root {
			folders = append(folders, path)
		}
		return nil
	})
	for _, folder := range slices.Backward(folders) {
		_ = unix.Rmdir(folder)
	}
}
