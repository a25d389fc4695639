// Package links reports the node's network interfaces from netlink and tells when one changed. It reads only:
// the network is the learner's to break.
package links

import (
	"context"
	"time"

	"github.com/vishvananda/netlink"
)

// settle is how long changes are gathered: one `docker network create` makes a dozen.
const settle = 100 * time.Millisecond

// Link is one interface.
type Link struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	State     string   `json:"state"`
	Master    string   `json:"master"`
	MAC       string   `json:"mac"`
	MTU       int      `json:"mtu"`
	Addresses []string `json:"addresses"`
	RxBytes   uint64   `json:"rx_bytes"`
	TxBytes   uint64   `json:"tx_bytes"`
}

// List is all interfaces in the kernel's order.
func List() ([]Link, error) {
	found, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	names := make(map[int]string, len(found))
	for _, link := range found {
		names[link.Attrs().Index] = link.Attrs().Name
	}
	links := make([]Link, 0, len(found))
	for _, each := range found {
		attrs := each.Attrs()
		link := Link{
			Name: attrs.Name, Kind: each.Type(), State: attrs.OperState.String(), Master: names[attrs.MasterIndex],
			MAC: attrs.HardwareAddr.String(), MTU: attrs.MTU, Addresses: []string{},
		}
		if attrs.Statistics != nil {
			link.RxBytes, link.TxBytes = attrs.Statistics.RxBytes, attrs.Statistics.TxBytes
		}
		for _, address := range addresses {
			if address.LinkIndex == attrs.Index {
				link.Addresses = append(link.Addresses, address.IPNet.String())
			}
		}
		links = append(links, link)
	}
	return links, nil
}

// Watch calls changed after interfaces or addresses have changed, at most ten times a second, until ctx ends.
func Watch(ctx context.Context, changed func()) {
	for ctx.Err() == nil {
		watchOnce(ctx, changed)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
			// The subscription ended: the kernel had more to say than fitted, so something changed.
			changed()
		}
	}
}

func watchOnce(ctx context.Context, changed func()) {
	done := make(chan struct{})
	defer close(done)
	lost := make(chan struct{}, 2)
	onError := func(error) {
		select {
		case lost <- struct{}{}:
		default:
		}
	}
	updates := make(chan netlink.LinkUpdate, 64)
	if netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{ErrorCallback: onError}) != nil {
		return
	}
	addresses := make(chan netlink.AddrUpdate, 64)
	if netlink.AddrSubscribeWithOptions(addresses, done, netlink.AddrSubscribeOptions{ErrorCallback: onError}) != nil {
		return
	}
	var pending <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-lost:
			return
		case _, ok := <-updates:
			if !ok {
				return
			}
		case _, ok := <-addresses:
			if !ok {
				return
			}
		case <-pending:
			pending = nil
			changed()
			continue
		}
		if pending == nil {
			pending = time.After(settle)
		}
	}
}
