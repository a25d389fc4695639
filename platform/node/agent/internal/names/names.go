// Package names answers the DNS questions of containers by passing them on to the node's own name server, which knows the
// other nodes and says at once that a name does not exist. Containers on Docker's default bridge cannot ask that one
// themselves: it is on a loopback address, and Docker would give them a server on the internet, where nobody answers.
package names

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"slipway.dev/node/internal/inward"
	"slipway.dev/node/internal/reaper"
)

const (
	// port is above those that are given away for the asking; containers ask inward.Address on port 53.
	port         = "61053"
	fallback     = "127.0.0.11"
	maxMessage   = 4096
	maxQuestions = 64 // under way at once; more are dropped, as a busy server would
	patience     = 3 * time.Second
)

// Server answers for one node.
type Server struct {
	socket   net.PacketConn
	upstream string
	reaper   *reaper.Reaper
}

// Setup listens and leads inward.Address here. The file resolv.conf names the server that knows.
func Setup(ctx context.Context, resolvConf string, r *reaper.Reaper) (*Server, error) {
	socket, err := net.ListenPacket("udp4", ":"+port)
	if err != nil {
		return nil, err
	}
	server := &Server{socket: socket, upstream: net.JoinHostPort(upstream(resolvConf), "53"), reaper: r}
	if err := server.Lead(ctx); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return server, nil
}

// Lead puts the rules in place where they are missing: for containers, and for those that use the node's own network.
func (s *Server) Lead(ctx context.Context) error {
	var rules []inward.Rule
	for _, chain := range []string{"PREROUTING", "OUTPUT"} {
		rules = append(rules, inward.Rule{chain, "-d", inward.Address + "/32", "-p", "udp", "--dport", "53", "-j", "REDIRECT", "--to-ports", port})
	}
	return inward.Lead(ctx, s.reaper, rules...)
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = s.socket.Close() })
	defer stop()
	places := make(chan struct{}, maxQuestions)
	buffer := make([]byte, maxMessage)
	for {
		n, asker, err := s.socket.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		question := append([]byte(nil), buffer[:n]...)
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				s.answer(question, asker)
			}()
		default:
		}
	}
}

func (s *Server) answer(question []byte, asker net.Addr) {
	server, err := net.Dial("udp4", s.upstream)
	if err != nil {
		slog.Warn("the name server cannot be asked", "error", err)
		return
	}
	defer server.Close()
	_ = server.SetDeadline(time.Now().Add(patience))
	if _, err := server.Write(question); err != nil {
		return
	}
	buffer := make([]byte, maxMessage)
	if n, err := server.Read(buffer); err == nil {
		_, _ = s.socket.WriteTo(buffer[:n], asker)
	}
}

// upstream is the first name server of the file that is not ourselves.
func upstream(resolvConf string) string {
	file, err := os.Open(resolvConf)
	if err != nil {
		return fallback
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" || words[1] == inward.Address {
			continue
		}
		if net.ParseIP(words[1]) != nil {
			return words[1]
		}
	}
	return fallback
}
