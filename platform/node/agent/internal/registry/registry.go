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
	"path/filepath"
	"strings"
	"time"

	"slipway.dev/node/internal/inward"
	"slipway.dev/node/internal/reaper"
)

const (
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
	line := inward.Address + "\t" + Host + "\n"
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

// Lead puts the way to the listener in place where it is missing.
func (r *Registry) Lead(ctx context.Context) error {
	return inward.Lead(ctx, r.reaper, inward.Rule{
		"OUTPUT", "-d", inward.Address + "/32", "-p", "tcp", "--dport", "443", "-j", "DNAT", "--to-destination", listenOn,
	})
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
