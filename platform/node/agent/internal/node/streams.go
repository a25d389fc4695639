package node

import (
	"context"
	"encoding/json"
	"io"
	"net"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/probe"
	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/server"
	"slipway.dev/node/internal/shell"
	"slipway.dev/node/internal/supervise"
)

type shellStreamParams struct {
	Shell      string `json:"shell"`
	Cols       int64  `json:"cols"`
	Rows       int64  `json:"rows"`
	Scrollback int64  `json:"scrollback"`
}

func (p shellStreamParams) check() error {
	if !shell.ValidName(p.Shell) {
		return protocol.Errorf(protocol.CodeBadRequest, "A shell cannot be called %.40q.", p.Shell)
	}
	for _, each := range []struct {
		name       string
		value, low int64
		high       int64
	}{{"cols", p.Cols, 1, 1000}, {"rows", p.Rows, 1, 1000}, {"scrollback", p.Scrollback, 0, maxTranscript}} {
		if err := protocol.Within(each.name, each.value, each.low, each.high); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) serveShell(_ context.Context, stream *server.Stream, raw json.RawMessage) error {
	params := shellStreamParams{Shell: "1", Cols: 80, Rows: 24, Scrollback: 256 << 10}
	if err := protocol.DecodeParams(raw, &params); err != nil {
		return err
	}
	if err := params.check(); err != nil {
		return err
	}
	size := frames.Size{Cols: uint16(params.Cols), Rows: uint16(params.Rows)}
	attached, err := n.attach(params.Shell, size, int(params.Scrollback))
	if err != nil {
		return err
	}
	defer attached.Viewer.Close()
	err = stream.Accept(struct {
		Created         bool `json:"created"`
		ScrollbackBytes int  `json:"scrollback_bytes"`
	}{attached.Created, attached.ScrollbackBytes})
	if err != nil {
		return err
	}
	go func() {
		attached.ReadFrames(stream.Reader)
		attached.Viewer.Close()
	}()
	var frame []byte
	for more := true; ; {
		if frame, more = attached.Viewer.Next(frame[:0]); !more {
			return nil
		}
		if err := stream.Write(frame); err != nil {
			return err
		}
		shell.Gather(frame)
	}
}

// attach uses the node only until the shell runs: its viewers are still told how it ended when the power has gone.
func (n *Node) attach(name string, size frames.Size, scrollback int) (*shell.Attachment, error) {
	_, done, err := n.supply.Use(n.root)
	if err != nil {
		return nil, n.noPower()
	}
	defer done()
	return n.shells.Attach(name, size, scrollback)
}

type serviceEvent struct {
	Kind  string          `json:"kind"`
	Name  string          `json:"name"`
	State supervise.State `json:"state"`
}

type shellEvent struct {
	Kind  string `json:"kind"`
	Shell string `json:"shell"`
	What  string `json:"what"`
}

type dockerEvent struct {
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

type kindOnly struct {
	Kind string `json:"kind"`
}

type hello struct {
	Kind string `json:"kind"`
	Status
}

func (n *Node) publishDocker(event json.RawMessage) {
	if event == nil {
		n.hub.Lost()
		return
	}
	n.mesh.DockerEvent(event)
	n.hub.Publish(dockerEvent{Kind: "docker", Event: event})
}

func (n *Node) serveEvents(ctx context.Context, stream *server.Stream, raw json.RawMessage) error {
	if err := protocol.DecodeParams(raw, &struct{}{}); err != nil {
		return err
	}
	subscriber := n.hub.Subscribe()
	defer subscriber.Unsubscribe()
	if err := stream.Accept(nil); err != nil {
		return err
	}
	send := func(line []byte) error { return stream.Write(append(line[:len(line):len(line)], '\n')) }
	first, err := protocol.Marshal(hello{Kind: "hello", Status: n.Status()})
	if err != nil {
		return err
	}
	if err := send(first); err != nil {
		return err
	}
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stream.Reader)
		close(closed)
		_ = stream.Conn.Close()
	}()
	subscriber.Run(closed, send)
	return nil
}

func (n *Node) serveDial(ctx context.Context, stream *server.Stream, raw json.RawMessage) error {
	params := probe.TCPDefaults()
	if err := protocol.DecodeParams(raw, &params); err != nil {
		return err
	}
	ctx, done, err := n.supply.Use(ctx)
	if err != nil {
		return n.noPower()
	}
	defer done()
	target, err := probe.Dial(ctx, params)
	if err != nil {
		return probe.DialError(params.Address, err)
	}
	defer target.Close()
	if err := stream.Accept(nil); err != nil {
		return err
	}
	relay(ctx, stream, target.(*net.TCPConn))
	return nil
}
