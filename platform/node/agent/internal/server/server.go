// Package server speaks the protocol on the agent's unix socket: it takes connections, parses request lines and
// hands them to the operations it was given. Whoever connects may be hostile: everything here is bounded, in
// number, size and time, and nothing that a connection does may end the program.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"slipway.dev/node/internal/protocol"
)

const (
	maxConnections = 256
	perConnection  = 16
	// largeLines is how many lines over smallLine may be under way at once, so that many connections that each
	// send most of a megabyte do not eat the node's memory.
	largeLines    = 8
	smallLine     = 64 << 10
	lineTime      = 10 * time.Second // from a line's first byte to its last, and from connecting to the first byte
	writeTime     = 30 * time.Second
	watchInterval = 2 * time.Second
)

// Operation answers one request. Its error is sent as it is when it is a *protocol.Error.
type Operation func(ctx context.Context, params json.RawMessage) (result any, err error)

// StreamOperation takes a connection over. It calls Accept once and returns when the stream has ended, or returns an
// error instead of calling Accept.
type StreamOperation func(ctx context.Context, stream *Stream, params json.RawMessage) error

// Server has the operations; they must be set before Serve.
type Server struct {
	Operations map[string]Operation
	Streams    map[string]StreamOperation

	places chan struct{}
	large  chan struct{}
}

// New makes a server without operations.
func New() *Server {
	return &Server{
		Operations: make(map[string]Operation),
		Streams:    make(map[string]StreamOperation),
		places:     make(chan struct{}, maxConnections),
		large:      make(chan struct{}, largeLines),
	}
}

// ListenAndServe serves at path until ctx ends. Where the socket is taken away (a learner's rm), it is made anew.
func (s *Server) ListenAndServe(ctx context.Context, path string) {
	for ctx.Err() == nil {
		listener, err := listen(path)
		if err != nil {
			slog.Error("the agent's socket cannot be made", "path", path, "error", err)
			sleep(ctx, watchInterval)
			continue
		}
		lost := make(chan struct{})
		watching, stop := context.WithCancel(ctx)
		go func() { watch(watching, path); close(lost); _ = listener.Close() }()
		s.Serve(ctx, listener)
		stop()
		<-lost
	}
}

// Serve takes connections until the listener is closed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil {
			// No file descriptor to be had, or the like: it passes.
			sleep(ctx, 50*time.Millisecond)
			continue
		}
		select {
		case s.places <- struct{}{}:
			go func() {
				defer func() { <-s.places }()
				s.handle(ctx, connection)
			}()
		default:
			refuse(connection)
		}
	}
}

func refuse(connection net.Conn) {
	line := protocol.Answer(0, nil, protocol.Errorf(protocol.CodeUnavailable, "The agent has %d connections; that is the most.", maxConnections))
	_ = connection.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	_, _ = connection.Write(append(line, '\n'))
	_ = connection.Close()
}

func listen(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	_ = os.Remove(path)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// The watcher may find somebody else's file at the path: closing must not remove it.
	listener.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

// watch returns when ctx ends or the file at path is no longer the one that is there now.
func watch(ctx context.Context, path string) {
	mine, err := inode(path)
	for err == nil && ctx.Err() == nil {
		sleep(ctx, watchInterval)
		if now, err := inode(path); err != nil || now != mine {
			return
		}
	}
}

func inode(path string) (uint64, error) {
	var info syscall.Stat_t
	err := syscall.Lstat(path, &info)
	return info.Ino, err
}

func sleep(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
}
