package power

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// uplink is a link that the node has from outside, as it was at boot.
type uplink struct {
	index     int
	name      string
	mac       net.HardwareAddr
	mtu       int
	up        bool
	addresses []netlink.Addr
	routes    []netlink.Route
}

func isLoopback(link netlink.Link) bool { return link.Attrs().Flags&net.FlagLoopback != 0 }

// findUplinks is all links there are but the loopback interface.
func findUplinks() ([]uplink, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	var found []uplink
	var problems []error
	for _, link := range links {
		if isLoopback(link) {
			continue
		}
		attrs := link.Attrs()
		addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		problems = append(problems, err)
		routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
		problems = append(problems, err)
		found = append(found, uplink{
			index: attrs.Index, name: attrs.Name, mac: attrs.HardwareAddr, mtu: attrs.MTU,
			up: attrs.Flags&net.FlagUp != 0, addresses: addresses, routes: routes,
		})
	}
	return found, errors.Join(problems...)
}

func cutLinks(uplinks []uplink) error {
	var problems []error
	for _, each := range uplinks {
		link, err := netlink.LinkByIndex(each.index)
		if err == nil {
			err = netlink.LinkSetDown(link)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// deleteLinks deletes all links but the uplinks: bridges, tunnels and whatever else was made in the node.
func deleteLinks(uplinks []uplink) error {
	kept := make(map[int]bool)
	for _, each := range uplinks {
		kept[each.index] = true
	}
	links, err := netlink.LinkList()
	for _, link := range links {
		if !kept[link.Attrs().Index] && !isLoopback(link) {
			_ = netlink.LinkDel(link) // gone with its other end, or one that the kernel brings along
		}
	}
	return err
}

func restoreLinks(uplinks []uplink) error {
	var problems []error
	for _, each := range uplinks {
		if err := each.restore(); err != nil {
			problems = append(problems, fmt.Errorf("bringing %s back: %w", each.name, err))
		}
	}
	return errors.Join(problems...)
}

// restore undoes whatever was done to the link since boot; taking it down has taken its routes.
func (u uplink) restore() error {
	link, err := netlink.LinkByIndex(u.index)
	if err != nil {
		return err
	}
	attrs := link.Attrs()
	var problems []error
	if attrs.Name != u.name {
		problems = append(problems, netlink.LinkSetName(link, u.name))
	}
	if attrs.MasterIndex != 0 {
		problems = append(problems, netlink.LinkSetNoMaster(link))
	}
	if attrs.MTU != u.mtu {
		problems = append(problems, netlink.LinkSetMTU(link, u.mtu))
	}
	if len(u.mac) > 0 && attrs.HardwareAddr.String() != u.mac.String() {
		problems = append(problems, netlink.LinkSetHardwareAddr(link, u.mac))
	}
	problems = append(problems, u.restoreAddresses(link))
	if u.up {
		problems = append(problems, netlink.LinkSetUp(link))
	}
	for _, route := range u.routes {
		// The kernel makes those of its own with the address.
		if route.Protocol != unix.RTPROT_KERNEL {
			problems = append(problems, netlink.RouteReplace(&route))
		}
	}
	return errors.Join(problems...)
}

func (u uplink) restoreAddresses(link netlink.Link) error {
	now, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	problems := []error{err}
	wanted := make(map[string]bool)
	for _, address := range u.addresses {
		wanted[address.IPNet.String()] = true
	}
	for _, address := range now {
		if !wanted[address.IPNet.String()] {
			problems = append(problems, netlink.AddrDel(link, &address))
		}
	}
	for _, address := range u.addresses {
		if address.IP.To4() == nil && address.IP.IsLinkLocalUnicast() {
			continue // made by the kernel when the link comes up
		}
		plain := netlink.Addr{IPNet: address.IPNet, Broadcast: address.Broadcast, Scope: address.Scope}
		problems = append(problems, netlink.AddrReplace(link, &plain))
	}
	return errors.Join(problems...)
}

// destroySockets ends the connections that killed processes had with others. The kernel would otherwise say goodbye
// for them as soon as the links are back; a machine that lost its power knows nothing of them. Where the kernel cannot,
// it is so.
func destroySockets() {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		sockets, err := netlink.SocketDiagTCP(family)
		if err != nil {
			continue
		}
		for _, each := range sockets {
			if each.ID.Source.IsLoopback() || each.ID.Destination.IsUnspecified() {
				continue
			}
			_ = netlink.SocketDestroy(
				&net.TCPAddr{IP: each.ID.Source, Port: int(each.ID.SourcePort)},
				&net.TCPAddr{IP: each.ID.Destination, Port: int(each.ID.DestinationPort)},
			)
		}
	}
}
