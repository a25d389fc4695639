package server

import (
	"bufio"
	"net"
	"time"

	"slipway.dev/node/internal/protocol"
)

// Stream is a connection that an operation has taken over. What it reads must come from Reader, which may
// already hold some of it.
type Stream struct {
	Reader *bufio.Reader
	Conn   net.Conn

	id       int64
	accepted bool
}

// Accept sends the answer line, after which the stream's own format begins.
func (s *Stream) Accept(result any) error {
	s.accepted = true
	return s.Write(append(protocol.Answer(s.id, result, nil), '\n'))
}

// Write sends p, for as long as the other side goes on taking bytes at all. A viewer may pause for long (a laptop
// that sleeps), so there is no deadline: keep-alive is the other side's, whose end closes the socket.
func (s *Stream) Write(p []byte) error {
	_ = s.Conn.SetWriteDeadline(time.Time{})
	_, err := s.Conn.Write(p)
	return err
}
