package node

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"slipway.dev/node/internal/server"
)

// relayIdle is how long a half-closed connection may be silent: an exec whose client has vanished says no more
// than that its input has ended, and must not be kept for ever.
const relayIdle = time.Minute

// half is one way of a relay.
type half struct {
	source     io.Reader
	from       net.Conn // what source reads from, for its deadline
	to         net.Conn
	closeWrite func() error
	other      *half
	isLast     atomic.Bool // the other way has ended
}

// relay copies both ways until both have ended, an error, or a long silence of the last that is open.
func relay(ctx context.Context, stream *server.Stream, target *net.TCPConn) {
	client := stream.Conn.(*net.UnixConn)
	out := &half{source: stream.Reader, from: client, to: target, closeWrite: target.CloseWrite}
	back := &half{source: target, from: target, to: client, closeWrite: client.CloseWrite}
	out.other, back.other = back, out
	stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), target.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(out.run)
	both.Go(back.run)
	both.Wait()
}

func (h *half) run() {
	if h.copy() == nil {
		_ = h.closeWrite()
	} else {
		_, _ = h.from.Close(), h.to.Close()
	}
	h.other.isLast.Store(true)
	_ = h.other.from.SetReadDeadline(time.Now().Add(relayIdle))
}

func (h *half) copy() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := h.source.Read(buffer)
		if n > 0 {
			if h.isLast.Load() {
				_ = h.from.SetReadDeadline(time.Now().Add(relayIdle))
			}
			if _, err := h.to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
