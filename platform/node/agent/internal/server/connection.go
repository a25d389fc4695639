package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"slipway.dev/node/internal/protocol"
)

type connection struct {
	server *Server
	conn   net.Conn
	reader *bufio.Reader
	writes sync.Mutex
}

func (s *Server) handle(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &connection{server: s, conn: conn, reader: bufio.NewReaderSize(conn, 4096)}
	_ = conn.SetReadDeadline(time.Now().Add(lineTime))
	line, release, err := c.readLine()
	if err != nil {
		c.end(err)
		return
	}
	request, err := protocol.ParseRequest(line)
	release()
	if err == nil && s.Streams[request.Op] != nil {
		c.stream(ctx, request)
		return
	}
	c.requests(ctx, request, err)
}

// requests answers one request after the other, several at once, until the client says no more; then it answers
// what is under way.
func (c *connection) requests(ctx context.Context, request protocol.Request, err error) {
	running := make(chan struct{}, perConnection)
	var all sync.WaitGroup
	defer all.Wait()
	for {
		if err != nil {
			c.end(err)
			return
		}
		running <- struct{}{}
		current := request // the next line is read while this one is answered
		all.Go(func() {
			defer func() { <-running }()
			result, err := c.server.run(ctx, current)
			c.write(protocol.Answer(current.ID, result, err))
		})
		line, release, readErr := c.readLine()
		if readErr != nil {
			c.end(readErr)
			return
		}
		request, err = protocol.ParseRequest(line)
		release()
	}
}

// run calls an operation. A panic in one is our bug, and no reason to power the learner's node off.
func (s *Server) run(ctx context.Context, request protocol.Request) (result any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			slog.Error("an operation panicked", "op", request.Op, "problem", problem, "stack", string(debug.Stack()))
			err = protocol.Errorf(protocol.CodeFailed, "The agent made a mistake in %s.", request.Op)
		}
	}()
	operation := s.Operations[request.Op]
	if operation == nil {
		if s.Streams[request.Op] != nil {
			return nil, protocol.Errorf(protocol.CodeBadRequest, "%s must be the first request of a connection.", request.Op)
		}
		return nil, protocol.Errorf(protocol.CodeBadRequest, "There is no operation %.40q.", request.Op)
	}
	return operation(ctx, request.Params)
}

func (c *connection) stream(ctx context.Context, request protocol.Request) {
	stream := &Stream{Reader: c.reader, Conn: c.conn, id: request.ID}
	defer func() {
		if problem := recover(); problem != nil {
			slog.Error("a stream panicked", "op", request.Op, "problem", problem, "stack", string(debug.Stack()))
		}
	}()
	if err := c.server.Streams[request.Op](ctx, stream, request.Params); err != nil && !stream.accepted {
		c.write(protocol.Answer(request.ID, nil, err))
	}
}

// end answers a malformed line; the end of what the client had to say needs no answer.
func (c *connection) end(err error) {
	var network net.Error
	if errors.Is(err, io.EOF) || errors.As(err, &network) {
		return
	}
	c.write(protocol.Answer(0, nil, protocol.Errorf(protocol.CodeBadRequest, "That is no request: %v.", err)))
}

func (c *connection) write(line []byte) {
	c.writes.Lock()
	defer c.writes.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		_ = c.conn.Close()
	}
}

var errLineTooLong = errors.New("the line is longer than 1 MiB")

// readLine gives the next line without its newline. release must be called when the line is no longer needed.
// A client may be silent for as long as it likes between lines, but not within one.
func (c *connection) readLine() (line []byte, release func(), err error) {
	release = func() {}
	if _, err := c.reader.Peek(1); err != nil {
		return nil, release, err
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(lineTime))
	defer func() { _ = c.conn.SetReadDeadline(time.Time{}) }()
	isLarge := false
	giveBack := func() {
		if isLarge {
			<-c.server.large
		}
	}
	for {
		piece, err := c.reader.ReadSlice('\n')
		line = append(line, piece...)
		if err == nil {
			return bytes.TrimSuffix(line, []byte("\n")), giveBack, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			giveBack()
			return nil, release, err
		}
		if len(line) > protocol.MaxLine {
			giveBack()
			return nil, release, errLineTooLong
		}
		if !isLarge && len(line) > smallLine {
			c.server.large <- struct{}{}
			isLarge = true
		}
	}
}
