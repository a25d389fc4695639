// Package inward leads an address that nobody owns to listeners of ours inside the node, so that dockerd and containers
// find services there as they would find them on the internet. It must not take an address or a port a learner may want.
package inward

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"syscall"

	"github.com/vishvananda/netlink"

	"slipway.dev/node/internal/reaper"
)

// Address is from a block that is kept for documentation (RFC 5737), so nobody wants it. It is routed to the
// loopback interface without being local: an address of this host would be caught by the rules that Swarm
// puts in front for published ports, and 443 or 53 may be one.
const Address = "192.0.2.53"

// Rule is a rule of the table nat: its chain, then its words.
type Rule []string

// Lead puts the route to Address and the rules in place where they are missing. It is called again before each start of
// the engine, since a learner's `iptables -F` takes these rules along with the engine's own.
func Lead(ctx context.Context, r *reaper.Reaper, rules ...Rule) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	route := &netlink.Route{
		LinkIndex: loopback.Attrs().Index, Scope: netlink.SCOPE_LINK,
		Dst: &net.IPNet{IP: net.ParseIP(Address).To4(), Mask: net.CIDRMask(32, 32)}, Src: net.IPv4(127, 0, 0, 1),
	}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("routing %s to the loopback interface: %w", Address, err)
	}
	for _, rule := range rules {
		if iptables(ctx, r, "-C", rule) == nil {
			continue
		}
		if err := iptables(ctx, r, "-A", rule); err != nil {
			return err
		}
	}
	return nil
}

func iptables(ctx context.Context, r *reaper.Reaper, action string, rule Rule) error {
	cmd := exec.Command("iptables", append([]string{"-w", "5", "-t", "nat", action}, rule...)...)
	child, err := r.Start(cmd)
	if err != nil {
		return fmt.Errorf("starting iptables: %w", err)
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		_ = child.Signal(syscall.SIGKILL)
		return ctx.Err()
	}
	if child.Status() != 0 {
		return fmt.Errorf("iptables %s: %s", action, child.Ending())
	}
	return nil
}
