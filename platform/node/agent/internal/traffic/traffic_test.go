package traffic

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

func bundle(t *testing.T, folder, id string) string {
	t.Helper()
	path := filepath.Join(folder, id)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(path, "init.pid")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyWhatTheRuntimeWroteDownIsFollowed(t *testing.T) {
	folder := t.TempDir()
	good := strings.Repeat("a", 64)
	write(t, bundle(t, folder, good), "4242")
	write(t, bundle(t, folder, strings.Repeat("b", 64)), "not a number")
	write(t, bundle(t, folder, strings.Repeat("c", 64)), "1")
	write(t, bundle(t, folder, strings.Repeat("d", 64)), strings.Repeat("9", 1<<20))
	write(t, bundle(t, folder, "no-id"), "4343")
	if err := syscall.Mkfifo(bundle(t, folder, strings.Repeat("e", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(folder, "elsewhere")
	write(t, elsewhere, "4444")
	if err := os.Symlink(elsewhere, bundle(t, folder, strings.Repeat("f", 64))); err != nil {
		t.Fatal(err)
	}
	if got := processes(folder); !maps.Equal(got, map[string]int{good: 4242}) {
		t.Errorf("%v", got)
	}
}

func TestNothingIsCountedBeforeAnythingRan(t *testing.T) {
	if got := processes(filepath.Join(t.TempDir(), "none")); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// inNetwork runs a script in a network namespace of its own and gives its process once it has said that it is set up.
func inNetwork(t *testing.T, script string) int {
	t.Helper()
	cmd := exec.Command("unshare", "--net", "sh", "-c", script+"; echo ready; exec sleep 60")
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Skipf("no network of our own here: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := make([]byte, 5)
	if _, err := output.Read(said); err != nil {
		t.Skipf("no network of our own here: %v", err)
	}
	return cmd.Process.Pid
}

func TestAContainersInterfacesAreCountedFromOutside(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip")
	}
	pid := inNetwork(t, "ip link set lo up; ip link add one type veth peer name two; ip link set one address 02:42:0a:00:00:07; ip link set one up; ip link set two up; sleep 0.2")
	own, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	found := ofProcess(pid, own)
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	var bytes uint64
	for _, each := range found {
		if each.MAC == "02:42:0a:00:00:07" {
			bytes = each.RxBytes + each.TxBytes
		}
	}
	want, err := exec.Command("nsenter", "--net=/proc/"+strconv.Itoa(pid)+"/ns/net", "sh", "-c", "cat /proc/net/dev").Output()
	if err != nil || bytes == 0 {
		t.Errorf("%d bytes in %+v; %s %v", bytes, found, want, err)
	}
	if now, err := netns.Get(); err != nil || !now.Equal(own) {
		t.Errorf("we are in %v, not in %v, %v", now, own, err)
	}
	if ours := ofProcess(os.Getpid(), own); ours != nil {
		t.Errorf("the node's own network was counted: %+v", ours)
	}
}

func TestAContainerWithHundredsOfInterfacesIsReadOnlySoFar(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip")
	}
	pid := inNetwork(t, "for i in $(seq 150); do echo link add d$i type bridge; done | ip -batch -")
	own, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	began := time.Now()
	if found := ofProcess(pid, own); len(found) != maxInterfaces {
		t.Errorf("%d interfaces", len(found))
	}
	t.Logf("read in %v", time.Since(began))
}
