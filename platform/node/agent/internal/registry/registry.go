// Package registry lets the node's engine pull from the platform's registry as if that were Docker Hub: it ends
// TLS for Hub's name inside the node and copies the bytes to a unix socket. It must not take a port that a
// learner may want, and must leave no trace where no registry was given.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"slipway.dev/node/internal/reaper"
)

const (
	// address is from a block that is kept for documentation (RFC 5737), so nobody wants it. It is routed to the
	// loopback interface without being local: an address of this host would be caught by the rules that Swarm
	// puts in front for published ports, and 443 may be one.
	address = "192.0.2.53"
	// listenOn is where its connections are sent: a port above those that are given away for the asking, on a
	// loopback address of its own, so that a learner's 0.0.0.0:anything is free.
	listenOn       = "127.0.0.53:61443"
	maxConnections = 64
	handshakeTime  = 10 * time.Second
	idleTime       = 10 * time.Minute
)

// Registry serves one node.
type Registry struct {
	socket      string
	certificate tls.Certificate
	listener    net.Listener
	reaper      *reaper.Reaper
}

// Setup makes Host lead to the registry at socket: certificate, trust, name, route and rule are in place when it
// returns, and the port listens. It returns nil and no error when there is no such socket.
func Setup(ctx context.Context, socket string, r *reaper.Reaper) (*Registry, error) {
	if info, err := os.Stat(socket); socket == "" || err != nil || info.Mode().Type() != os.ModeSocket {
		return nil, nil
	}
	certificate, encoded, err := newCertificate(time.Now())
	if err != nil {
		return nil, err
	}
	if err := trust("/", encoded); err != nil {
		return nil, fmt.Errorf("trusting the registry's certificate: %w", err)
	}
	listener, err := net.Listen("tcp4", listenOn)
	if err != nil {
		return nil, err
	}
	registry := &Registry{socket: socket, certificate: certificate, listener: listener, reaper: r}
	if err := registry.Lead(ctx); err != nil {
		_ = listener.Close()
		return nil, err
	}
	if err := addHost("/etc/hosts"); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return registry, nil
}

// addHost writes in place: the file is usually a mount of the outer engine's and cannot be replaced.
func addHost(path string) error {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	line := address + "\t" + Host + "\n"
	if strings.Contains(string(content), line) {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		line = "\n" + line
	}
	_, err = file.WriteString(line)
	return errors.Join(err, file.Close())
}

// Lead puts the route and the rule in place where they are missing. It is called again before each start of the
// engine, since a learner's `iptables -F` takes this rule along with the engine's own.
func (r *Registry) Lead(ctx context.Context) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	route := &netlink.Route{
		LinkIndex: loopback.Attrs().Index, Scope: netlink.SCOPE_LINK,
		Dst: &net.IPNet{IP: net.ParseIP(address).To4(), Mask: net.CIDRMask(32, 32)}, Src: net.IPv4(127, 0, 0, 1),
	}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("routing %s to the loopback interface: %w", address, err)
	}
	rule := []string{"OUTPUT", "-d", address + "/32", "-p", "tcp", "--dport", "443", "-j", "DNAT", "--to-destination", listenOn}
	if r.iptables(ctx, "-C", rule) == nil {
		return nil
	}
	return r.iptables(ctx, "-A", rule)
}

func (r *Registry) iptables(ctx context.Context, action string, rule []string) error {
	cmd := exec.Command("iptables", append([]string{"-w", "5", "-t", "nat", action}, rule...)...)
	child, err := r.reaper.Start(cmd)
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

// Serve takes connections until ctx ends.
func (r *Registry) Serve(ctx context.Context) {
	context.AfterFunc(ctx, func() { _ = r.listener.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{r.certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	places := make(chan struct{}, maxConnections)
	for {
		connection, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			r.handle(ctx, tls.Server(connection, config))
		}()
	}
}

func (r *Registry) handle(ctx context.Context, client *tls.Conn) {
	defer client.Close()
	handshake, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if client.HandshakeContext(handshake) != nil {
		return
	}
	server, err := net.DialTimeout("unix", filepath.Clean(r.socket), handshakeTime)
	if err != nil {
		slog.Warn("the registry's socket does not answer", "error", err)
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		copyIdle(server, client)
		_ = server.(*net.UnixConn).CloseWrite()
	}()
	copyIdle(client, server)
	_ = client.CloseWrite()
	<-done
}

// copyIdle copies until the end, an error, or a long silence.
func copyIdle(dst, src net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		_ = src.SetReadDeadline(time.Now().Add(idleTime))
		n, err := src.Read(buffer)
		if n > 0 {
			_ = dst.SetWriteDeadline(time.Now().Add(idleTime))
			if _, err := dst.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
