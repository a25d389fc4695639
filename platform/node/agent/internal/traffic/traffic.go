// Package traffic counts what goes through the interfaces of the node's containers. It asks the kernel from outside:
// nothing inside a container is read, run or believed, and what a container can make of its own network is read only
// as far as a picture could show it.
package traffic

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	// bundles is where containerd keeps one folder a running container of Docker's, named by its id.
	bundles = "/run/containerd/io.containerd.runtime.v2.task/moby"

	maxContainers = 200
	maxInterfaces = 16
	patience      = time.Second // for one answer of the kernel
)

// Container is one running container. One that is on the node's own network has none to count; one that shares
// another's has the same counters.
type Container struct {
	ID         string      `json:"id"`
	Interfaces []Interface `json:"interfaces"`
}

// Interface is one of a container's, as its own kernel counters have it since it was made.
type Interface struct {
	MAC     string `json:"mac"`
	RxBytes uint64 `json:"rx_bytes"`
	TxBytes uint64 `json:"tx_bytes"`
}

// Count looks at all containers once. One that ends meanwhile is left out.
func Count() ([]Container, error) {
	own, err := netns.Get()
	if err != nil {
		return nil, err
	}
	defer own.Close()
	found := []Container{}
	for id, pid := range processes(bundles) {
		if interfaces := ofProcess(pid, own); len(interfaces) > 0 {
			found = append(found, Container{ID: id, Interfaces: interfaces})
		}
	}
	return found, nil
}

var validID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// processes gives the first process of each container, as its runtime wrote it down.
func processes(folder string) map[string]int {
	directory, err := os.Open(folder)
	if err != nil {
		return nil // containerd has not run anything yet
	}
	defer directory.Close()
	names, _ := directory.Readdirnames(maxContainers)
	found := make(map[string]int, len(names))
	for _, name := range names {
		if !validID.MatchString(name) {
			continue
		}
		if pid := readPid(filepath.Join(folder, name, "init.pid")); pid > 1 {
			found[name] = pid
		}
	}
	return found
}

// readPid gives 0 for whatever is not a number. The file may be anything the learner put there: it is opened so
// that no pipe holds us up, and read no further than a number is long.
func readPid(path string) int {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0
	}
	content, _ := io.ReadAll(io.LimitReader(file, 16))
	pid, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 32)
	if err != nil {
		return 0
	}
	return int(pid)
}

// ofProcess gives the interfaces of the process's network, unless that is our own.
func ofProcess(pid int, own netns.NsHandle) []Interface {
	network, err := netns.GetFromPid(pid)
	if err != nil {
		return nil
	}
	defer network.Close()
	if network.Equal(own) {
		return nil
	}
	socket, err := nl.GetNetlinkSocketAt(network, own, unix.NETLINK_ROUTE)
	if err != nil {
		return nil
	}
	defer socket.Close()
	wait := unix.NsecToTimeval(int64(patience))
	if socket.SetReceiveTimeout(&wait) != nil {
		return nil
	}
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	request.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	if socket.Send(request) != nil {
		return nil
	}
	return receive(socket)
}

// receive reads the kernel's answer as far as maxInterfaces; a container may have made itself thousands.
func receive(socket *nl.NetlinkSocket) []Interface {
	var found []Interface
	for {
		messages, from, err := socket.Receive()
		if err != nil || from.Pid != nl.PidKernel {
			return found
		}
		for _, message := range messages {
			if message.Header.Type != unix.RTM_NEWLINK {
				return found // the end, or an error
			}
			if each, ok := parse(message); ok {
				found = append(found, each)
			}
			if len(found) == maxInterfaces {
				return found
			}
		}
	}
}

// Offsets of the counters in the kernel's rtnl_link_stats64.
const (
	rxBytesAt = 16
	txBytesAt = 24
)

// parse gives an interface that has an Ethernet address, loopback left out.
func parse(message syscall.NetlinkMessage) (Interface, bool) {
	if len(message.Data) < unix.SizeofIfInfomsg || nl.DeserializeIfInfomsg(message.Data).Flags&unix.IFF_LOOPBACK != 0 {
		return Interface{}, false
	}
	attributes, err := nl.ParseRouteAttr(message.Data[unix.SizeofIfInfomsg:])
	if err != nil {
		return Interface{}, false
	}
	var found Interface
	for _, attribute := range attributes {
		switch attribute.Attr.Type {
		case unix.IFLA_ADDRESS:
			if len(attribute.Value) == 6 {
				found.MAC = net.HardwareAddr(attribute.Value).String()
			}
		case unix.IFLA_STATS64:
			if len(attribute.Value) >= txBytesAt+8 {
				found.RxBytes = binary.NativeEndian.Uint64(attribute.Value[rxBytesAt:])
				found.TxBytes = binary.NativeEndian.Uint64(attribute.Value[txBytesAt:])
			}
		}
	}
	return found, found.MAC != ""
}
