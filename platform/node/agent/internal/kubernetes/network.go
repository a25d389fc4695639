package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	podDevice   = "pods0"
	podMTU      = 1450 // of an Ethernet frame, what VXLAN leaves
	vxlanID     = 244
	vxlanPort   = 8472 // Swarm's overlays have 4789
	peerPause   = 3 * time.Second
	firstPauses = 100 * time.Millisecond
)

// podShare is the part of the pods' network that the member at this place gives addresses from.
func podShare(place int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(place), 0}), 24)
}

// hardwareAddress is that of a member's end of the tunnel. It follows from the place, so nobody has to ask for it.
func hardwareAddress(place int) net.HardwareAddr {
	return net.HardwareAddr{0x0e, 'p', 'o', 'd', 0, byte(place)}
}

// ownAddress is the node's address on the sandbox's network.
func ownAddress() (netip.Addr, error) {
	device, err := net.InterfaceByName("eth0")
	if err != nil {
		return netip.Addr{}, fmt.Errorf("the sandbox's network: %w", err)
	}
	addresses, err := device.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, each := range addresses {
		if prefix, err := netip.ParsePrefix(each.String()); err == nil && prefix.Addr().Is4() {
			return prefix.Addr(), nil
		}
	}
	return netip.Addr{}, errors.New("eth0 has no IPv4 address")
}

// setUpNetwork makes this node's end of the tunnel between the members. Plain routes would not do: the host's bridge filter
// drops packets with addresses that are not the nodes' own.
func (c *Cluster) setUpNetwork(ctx context.Context) error {
	if old, err := netlink.LinkByName(podDevice); err == nil {
		_ = netlink.LinkDel(old)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MTU, attributes.HardwareAddr = podDevice, podMTU, hardwareAddress(c.place)
	device := &netlink.Vxlan{
		LinkAttrs: attributes, VxlanId: vxlanID, Port: vxlanPort, SrcAddr: net.IP(c.address.AsSlice()), Learning: false,
	}
	if err := netlink.LinkAdd(device); err != nil {
		return fmt.Errorf("making %s: %w", podDevice, err)
	}
	own := &netlink.Addr{IPNet: &net.IPNet{IP: net.IP(podShare(c.place).Addr().AsSlice()), Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(device, own); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(device); err != nil {
		return err
	}
	// A node has a route to its own network only, and a service's address must seem reachable until the rules change it.
	services := &netlink.Route{LinkIndex: device.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: mask(serviceNetwork)}
	if err := netlink.RouteReplace(services); err != nil {
		return fmt.Errorf("routing services: %w", err)
	}
	// Between two pods of one node the bridge must let the way back pass by the rules that changed the way there.
	if err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0); err != nil {
		slog.Warn("pods may not reach services that run beside them", "error", err)
	}
	return c.masquerade(ctx)
}

func mask(network string) *net.IPNet {
	prefix := netip.MustParsePrefix(network)
	return &net.IPNet{IP: net.IP(prefix.Addr().AsSlice()), Mask: net.CIDRMask(prefix.Bits(), 32)}
}

// masquerade hides pods behind their node towards everything that is not a pod.
func (c *Cluster) masquerade(ctx context.Context) error {
	rule := []string{"POSTROUTING", "-s", podNetwork, "!", "-d", podNetwork, "-j", "MASQUERADE"}
	if run(ctx, c.reaper, "iptables", append([]string{"-w", "5", "-t", "nat", "-C"}, rule...)...) == nil {
		return nil
	}
	return run(ctx, c.reaper, "iptables", append([]string{"-w", "5", "-t", "nat", "-A"}, rule...)...)
}

// keepPeers leads the other members' pods into the tunnel, as the members appear and when their addresses change.
func (c *Cluster) keepPeers(ctx context.Context) {
	known := make(map[int]netip.Addr)
	for ctx.Err() == nil {
		for place, name := range c.Members {
			if place == c.place {
				continue
			}
			address, err := lookUp(ctx, name)
			if err != nil || address == known[place] {
				continue
			}
			if err := lead(place, address); err != nil {
				slog.Warn("pods of another node cannot be reached", "node", name, "error", err)
				continue
			}
			known[place] = address
		}
		pause := peerPause
		if len(known) < len(c.Members)-1 {
			pause = firstPauses
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func lookUp(ctx context.Context, name string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
	if err != nil {
		return netip.Addr{}, err
	}
	return found[0].Unmap(), nil
}

// lead sends the packets for the pods of the member at this place to the node that has the address.
func lead(place int, address netip.Addr) error {
	device, err := netlink.LinkByName(podDevice)
	if err != nil {
		return err
	}
	share, hardware := podShare(place), hardwareAddress(place)
	gateway := net.IP(share.Addr().AsSlice())
	forwarding := &netlink.Neigh{
		LinkIndex: device.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF,
		IP: net.IP(address.AsSlice()), HardwareAddr: hardware,
	}
	neighbour := &netlink.Neigh{LinkIndex: device.Attrs().Index, State: netlink.NUD_PERMANENT, IP: gateway, HardwareAddr: hardware}
	route := &netlink.Route{
		LinkIndex: device.Attrs().Index, Dst: &net.IPNet{IP: gateway, Mask: net.CIDRMask(share.Bits(), 32)}, Gw: gateway,
		Flags: int(netlink.FLAG_ONLINK),
	}
	return errors.Join(netlink.NeighSet(forwarding), netlink.NeighSet(neighbour), netlink.RouteReplace(route))
}

// importImages gives containerd the images that came with the node: no pod runs without the first of them.
func (c *Cluster) importImages(ctx context.Context) {
	if _, err := c.containerd.WaitReady(ctx); err != nil {
		return
	}
	began := time.Now()
	entries, err := os.ReadDir(imageFolder)
	if err != nil {
		slog.Error("no image came with this node", "error", err)
	}
	for _, entry := range entries {
		if entry.Name() != pauseArchive && !c.IsControl() {
			continue // cluster DNS runs on the control plane
		}
		if err := run(ctx, c.reaper, "ctr", "--address", "/run/containerd/containerd.sock", "-n", "k8s.io", "images", "import", imageFolder+"/"+entry.Name()); err != nil {
			slog.Error("an image that came with this node cannot be used", "image", entry.Name(), "error", err)
		}
	}
	slog.Info("images imported", "ms", time.Since(began).Milliseconds())
	close(c.images)
}

const (
	imageFolder  = "/usr/share/slipway/images"
	pauseArchive = "pause.tar"
)
