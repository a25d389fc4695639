package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/protocol"
)

const pingPause = 100 * time.Millisecond

// PingParams names a host or address; TimeoutMS is for all echoes together.
type PingParams struct {
	Address   string `json:"address"`
	Count     int64  `json:"count"`
	TimeoutMS int64  `json:"timeout_ms"`
}

// PingDefaults are the params that were not given.
func PingDefaults() PingParams { return PingParams{Count: 1, TimeoutMS: 2000} }

// PingResult counts echoes; RTTMS is their mean round trip, nil when none came back.
type PingResult struct {
	Sent     int      `json:"sent"`
	Received int      `json:"received"`
	RTTMS    *float64 `json:"rtt_ms"`
}

// Ping sends ICMP echoes over a raw socket, or over the kernel's ping socket where a raw one is refused.
func Ping(ctx context.Context, params PingParams) (PingResult, error) {
	if err := protocol.Within("count", params.Count, 1, 20); err != nil {
		return PingResult{}, err
	}
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return PingResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMS)*time.Millisecond)
	defer cancel()
	address, err := resolve(ctx, params.Address)
	if err != nil {
		return PingResult{}, err
	}
	p, err := newPinger(address)
	if err != nil {
		return PingResult{}, err
	}
	defer p.socket.Close()
	return p.run(ctx, int(params.Count)), nil
}

func resolve(ctx context.Context, name string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap(), nil
	}
	if name == "" {
		return netip.Addr{}, protocol.Errorf(protocol.CodeBadRequest, "An address is needed.")
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, protocol.Errorf(protocol.CodeNotFound, "There is no host %.200q.", name)
	}
	return found[0].Unmap(), nil
}

// pinger is one socket that speaks ICMP or ICMPv6 with one address.
type pinger struct {
	socket *os.File
	to     unix.Sockaddr
	v4     bool
	token  [16]byte // in each echo, so that nobody else's answer is taken for ours
	sentAt []time.Time
}

func newPinger(address netip.Addr) (*pinger, error) {
	p := &pinger{v4: address.Is4()}
	family, protocolNumber := unix.AF_INET6, unix.IPPROTO_ICMPV6
	if p.v4 {
		family, protocolNumber = unix.AF_INET, unix.IPPROTO_ICMP
		p.to = &unix.SockaddrInet4{Addr: address.As4()}
	} else {
		to := &unix.SockaddrInet6{Addr: address.As16()}
		if zone, err := net.InterfaceByName(address.Zone()); address.Zone() != "" && err == nil {
			to.ZoneId = uint32(zone.Index)
		}
		p.to = to
	}
	_, _ = rand.Read(p.token[:])
	flags := unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(family, unix.SOCK_RAW|flags, protocolNumber)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		fd, err = unix.Socket(family, unix.SOCK_DGRAM|flags, protocolNumber)
	}
	if err != nil {
		return nil, err
	}
	p.socket = os.NewFile(uintptr(fd), "icmp")
	return p, nil
}

func (p *pinger) run(ctx context.Context, count int) PingResult {
	deadline, _ := ctx.Deadline()
	received := make(map[uint16]time.Duration)
	buffer := make([]byte, 2048)
	for len(received) < count && ctx.Err() == nil {
		until := deadline
		if len(p.sentAt) < count {
			p.send()
			if next := time.Now().Add(pingPause); next.Before(until) && len(p.sentAt) < count {
				until = next
			}
		}
		_ = p.socket.SetReadDeadline(until)
		for len(received) < len(p.sentAt) {
			n, err := p.socket.Read(buffer)
			if err != nil {
				break
			}
			if sequence, ok := p.parse(buffer[:n]); ok && int(sequence) < len(p.sentAt) {
				if _, again := received[sequence]; !again {
					received[sequence] = time.Since(p.sentAt[sequence])
				}
			}
		}
	}
	return p.result(received)
}

func (p *pinger) result(received map[uint16]time.Duration) PingResult {
	result := PingResult{Sent: len(p.sentAt), Received: len(received)}
	if len(received) > 0 {
		var total time.Duration
		for _, each := range received {
			total += each
		}
		mean := float64((total / time.Duration(len(received))).Microseconds()) / 1000
		result.RTTMS = &mean
	}
	return result
}

// send sends the next echo. One that cannot be sent (no route) counts as sent and lost.
func (p *pinger) send() {
	kind := byte(128)
	if p.v4 {
		kind = 8
	}
	message := make([]byte, 8, 8+len(p.token))
	message[0] = kind
	binary.BigEndian.PutUint16(message[4:], uint16(os.Getpid()))
	binary.BigEndian.PutUint16(message[6:], uint16(len(p.sentAt)))
	message = append(message, p.token[:]...)
	if p.v4 { // the kernel does ICMPv6's, which covers addresses
		binary.BigEndian.PutUint16(message[2:], checksum(message))
	}
	p.sentAt = append(p.sentAt, time.Now())
	connection, err := p.socket.SyscallConn()
	if err == nil {
		_ = connection.Control(func(fd uintptr) { _ = unix.Sendto(int(fd), message, 0, p.to) })
	}
}

// parse gives the sequence number of an answer to one of ours. A raw IPv4 socket also gives the IP header.
func (p *pinger) parse(packet []byte) (sequence uint16, ok bool) {
	reply := byte(129)
	if p.v4 {
		reply = 0
		if len(packet) > 20 && packet[0]>>4 == 4 {
			packet = packet[min(len(packet), int(packet[0]&0x0f)*4):]
		}
	}
	if len(packet) < 8+len(p.token) || packet[0] != reply || [16]byte(packet[8:24]) != p.token {
		return 0, false
	}
	return binary.BigEndian.Uint16(packet[6:]), true
}

// checksum is the internet checksum of RFC 1071.
func checksum(message []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(message); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(message[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
