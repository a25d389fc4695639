package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/reaper"
)

const (
	nftGetGeneration  = 16 // NFT_MSG_GETGEN
	nftGenerationID   = 1  // NFTA_GEN_ID
	maxCommandOutput  = 1 << 20
	networkSysctls    = "/proc/sys/net/ipv4"
	forwardingSysctl  = networkSysctls + "/ip_forward"
	localRoutesSysctl = networkSysctls + "/conf/%s/route_localnet"
)

// kernel is this node's.
type kernel struct{ reaper *reaper.Reaper }

func (kernel) Sandboxes() []Sandbox { return sandboxesIn(sandboxFolder) }

func (kernel) BalancesItself(in Sandbox) bool {
	works := false
	_ = in.within(func() error { works = ipvsWorks(kernelGenetlink); return nil })
	return works
}

// Generation counts the transactions of a namespace's packet filter, whoever's they were: nft's and iptables'.
func (kernel) Generation(in Sandbox) (uint32, error) {
	var generation uint32
	err := in.within(func() error {
		request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|nftGetGeneration, 0)
		request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC})
		answers, err := request.Execute(unix.NETLINK_NETFILTER, 0)
		if err != nil {
			return err
		}
		for _, answer := range answers {
			attributes, err := nl.ParseRouteAttr(answer[nl.SizeofNfgenmsg:])
			if err != nil {
				return err
			}
			for _, attribute := range attributes {
				if attribute.Attr.Type&nl.NLA_TYPE_MASK == nftGenerationID && len(attribute.Value) >= 4 {
					generation = nl.NativeEndian().Uint32(attribute.Value) // only ever compared
				}
			}
		}
		return nil
	})
	return generation, err
}

// Install gives a load balancer its rules and VIPs.
func (k kernel) Install(ctx context.Context, in Sandbox, rules Rules) error {
	return in.within(func() error {
		if len(rules.Balances) > 0 {
			if err := setSysctl(forwardingSysctl); err != nil {
				return err
			}
		}
		if _, err := k.run(ctx, rules.script(), "nft", "-f", "-"); err != nil {
			return err
		}
		return setVIPs(rules.Balancer, rules.vips())
	})
}

// InstallHost gives the node its rules.
func (k kernel) InstallHost(ctx context.Context, rules HostRules) error {
	gateway := rules.Gateway
	if len(rules.Ports) == 0 {
		gateway = netip.Prefix{}
	} else if err := routeLocal(gateway.Addr()); err != nil {
		return err
	}
	listing, err := k.run(ctx, "", "iptables", "-w", "5", "-S")
	if err != nil {
		return err
	}
	if script := forwardScript(listing, gateway); script != "" {
		if _, err := k.run(ctx, script, "iptables-restore", "-w", "5", "--noflush"); err != nil {
			return err
		}
	}
	_, err = k.run(ctx, rules.script(), "nft", "-f", "-")
	return err
}

// Refuse lets the connections to tasks that are gone be refused instead of answered by nobody: their next packet is a
// stranger to whoever gets it.
func (kernel) Refuse(in Sandbox, gone []netip.Addr) error {
	return in.within(func() error {
		var problems []error
		for _, task := range gone {
			filter := &netlink.ConntrackFilter{}
			if err := filter.AddIP(netlink.ConntrackReplySrcIP, task.AsSlice()); err != nil {
				return err
			}
			_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, filter)
			problems = append(problems, err)
		}
		return errors.Join(problems...)
	})
}

// routeLocal lets a connection from 127.0.0.1 leave by the interface that leads to the ingress sandbox.
func routeLocal(gateway netip.Addr) error {
	routes, err := netlink.RouteGet(gateway.AsSlice())
	if err != nil || len(routes) == 0 {
		return fmt.Errorf("there is no route to %s: %w", gateway, err)
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return err
	}
	return setSysctl(fmt.Sprintf(localRoutesSysctl, filepath.Base(link.Attrs().Name)))
}

func setSysctl(path string) error {
	if content, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(content)) == "1" {
		return nil
	}
	return os.WriteFile(path, []byte("1\n"), 0)
}

// setVIPs makes the balancer's interface answer for these addresses and no others of its network.
func setVIPs(balancer netip.Prefix, wanted []netip.Addr) error {
	if !balancer.IsValid() {
		return nil
	}
	there, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	index := 0
	for _, each := range there {
		if addr, ok := netip.AddrFromSlice(each.IP.To4()); ok && addr == balancer.Addr() {
			index = each.LinkIndex
		}
	}
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return fmt.Errorf("no interface has %s: %w", balancer, err)
	}
	var problems []error
	for _, each := range there {
		addr, ok := netip.AddrFromSlice(each.IP.To4())
		ones, _ := each.Mask.Size()
		if !ok || each.LinkIndex != index || ones != 32 || addr == balancer.Addr() || !balancer.Contains(addr) {
			continue
		}
		if at := slices.Index(wanted, addr); at >= 0 {
			wanted = slices.Delete(wanted, at, at+1)
		} else if err := netlink.AddrDel(link, &each); !errors.Is(err, unix.EADDRNOTAVAIL) { // dockerd takes them away too
			problems = append(problems, err)
		}
	}
	for _, vip := range wanted {
		err := netlink.AddrReplace(link, &netlink.Addr{IPNet: &net.IPNet{IP: vip.AsSlice(), Mask: net.CIDRMask(32, 32)}})
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// run runs a command in the namespace of the calling thread and gives what it printed. No shell is involved.
func (k kernel) run(ctx context.Context, input string, argv ...string) (string, error) {
	var files [3]*os.File
	for each := range files {
		fd, err := unix.MemfdCreate(argv[0], unix.MFD_CLOEXEC)
		if err != nil {
			return "", err
		}
		files[each] = os.NewFile(uintptr(fd), argv[0])
		defer files[each].Close()
	}
	if _, err := files[0].WriteAt([]byte(input), 0); err != nil {
		return "", err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	child, err := k.reaper.Start(cmd)
	if err != nil {
		return "", fmt.Errorf("starting %s: %w", argv[0], err)
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		_ = child.Signal(syscall.SIGKILL)
		return "", ctx.Err()
	}
	if child.Status() != 0 {
		said, _ := io.ReadAll(io.NewSectionReader(files[2], 0, 500))
		return "", fmt.Errorf("%s: %s: %s", argv[0], child.Ending(), strings.TrimSpace(string(said)))
	}
	said, err := io.ReadAll(io.NewSectionReader(files[1], 0, maxCommandOutput))
	return string(said), err
}
