package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway.dev/node/internal/protocol"
)

const patience = 10 * time.Second

// serve runs a server with a few operations of its own and gives the path of its socket.
func serve(t *testing.T) string {
	t.Helper()
	s := New()
	s.Operations["echo"] = func(_ context.Context, params json.RawMessage) (any, error) { return params, nil }
	s.Operations["slow"] = func(ctx context.Context, _ json.RawMessage) (any, error) {
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
		return "slow", nil
	}
	s.Operations["panic"] = func(context.Context, json.RawMessage) (any, error) { panic("our bug") }
	s.Operations["fail"] = func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no disk") }
	s.Streams["copy"] = func(_ context.Context, stream *Stream, params json.RawMessage) error {
		if string(params) == `{"no":1}` {
			return protocol.Errorf(protocol.CodeNotFound, "Not today.")
		}
		if err := stream.Accept(nil); err != nil {
			return err
		}
		_, err := io.Copy(stream.Conn, stream.Reader)
		return err
	}
	path := filepath.Join(t.TempDir(), "run", "agent.sock")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.ListenAndServe(ctx, path); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing listens")
		}
	}
}

type client struct {
	*net.UnixConn
	lines *bufio.Reader
}

func dial(t *testing.T, path string) *client {
	t.Helper()
	conn, err := net.Dial("unix", path)
	// The file is there a moment before anybody listens on it.
	for deadline := time.Now().Add(patience); errors.Is(err, syscall.ECONNREFUSED) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		conn, err = net.Dial("unix", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &client{conn.(*net.UnixConn), bufio.NewReader(conn)}
}

func (c *client) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func (c *client) hears(t *testing.T, want string) {
	t.Helper()
	got, err := c.lines.ReadString('\n')
	if err != nil || strings.TrimSuffix(got, "\n") != want {
		t.Fatalf("%q, %v; want %s", got, err, want)
	}
}

func (c *client) isCut(t *testing.T) {
	t.Helper()
	if rest, err := io.ReadAll(c.lines); err != nil && !errors.Is(err, net.ErrClosed) || len(rest) > 0 {
		t.Errorf("not closed: %q, %v", rest, err)
	}
}

func TestOnlyTheNodesRootMayOpenTheSocket(t *testing.T) {
	info, err := os.Stat(serve(t))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestRequestsUnderWayAreAnsweredEachWithItsOwnID(t *testing.T) {
	c := dial(t, serve(t))
	c.say(t, `{"id":1,"op":"slow"}`+"\n"+`{"id":2,"op":"echo","params":{"a":[1]}}`+"\n"+`{"id":3,"op":"nope"}`+"\n")
	got := map[string]bool{}
	for range 3 {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		got[strings.TrimSpace(line)] = true
	}
	for _, want := range []string{
		`{"id":1,"ok":true,"result":"slow"}`, `{"id":2,"ok":true,"result":{"a":[1]}}`,
		`{"id":3,"ok":false,"error":{"code":"bad-request","message":"There is no operation \"nope\"."}}`,
	} {
		if !got[want] {
			t.Errorf("%s is not among %v", want, got)
		}
	}
}

func TestWhatIsUnderWayIsAnsweredAfterTheClientHasSaidAll(t *testing.T) {
	c := dial(t, serve(t))
	c.say(t, `{"id":1,"op":"slow"}`+"\n")
	_ = c.CloseWrite()
	c.hears(t, `{"id":1,"ok":true,"result":"slow"}`)
	c.isCut(t)
}

func TestFarMoreRequestsThanMayRunAtOnceAreAllAnswered(t *testing.T) {
	c := dial(t, serve(t))
	go func() {
		for range 40 {
			_, _ = io.WriteString(c, `{"id":1,"op":"slow"}`+"\n")
		}
	}()
	began := time.Now()
	for range 40 {
		c.hears(t, `{"id":1,"ok":true,"result":"slow"}`)
	}
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("40 took %v: more than 16 ran at once", took)
	}
}

func TestAMalformedLineIsAnsweredAndEndsTheConnection(t *testing.T) {
	path := serve(t)
	for _, line := range []string{"hello\n", "\n", "{}\n", `{"id":1}` + "\n", "\x00\xff\n", `{"id":1,"op":"echo"}garbage` + "\n"} {
		c := dial(t, path)
		c.say(t, `{"id":1,"op":"echo"}`+"\n")
		c.hears(t, `{"id":1,"ok":true,"result":{}}`)
		c.say(t, line)
		got, err := c.lines.ReadString('\n')
		if err != nil || !strings.HasPrefix(got, `{"id":0,"ok":false,"error":{"code":"bad-request"`) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
		c.isCut(t)
	}
}

func TestALineOverAMegabyteEndsTheConnection(t *testing.T) {
	c := dial(t, serve(t))
	go func() { _, _ = io.Copy(c, io.LimitReader(zeros{}, 3<<20)) }()
	got, err := c.lines.ReadString('\n')
	if err != nil || !strings.Contains(got, "longer than 1 MiB") {
		t.Errorf("%q, %v", got, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestALineOfAlmostAMegabyteIsTaken(t *testing.T) {
	c := dial(t, serve(t))
	text := strings.Repeat("x", protocol.MaxLine-100)
	go func() { _, _ = io.WriteString(c, `{"id":1,"op":"echo","params":{"a":"`+text+`"}}`+"\n") }()
	c.hears(t, `{"id":1,"ok":true,"result":{"a":"`+text+`"}}`)
}

func TestAnOperationThatPanicsOrFailsIsAnAnswer(t *testing.T) {
	c := dial(t, serve(t))
	c.say(t, `{"id":1,"op":"panic"}`+"\n")
	c.hears(t, `{"id":1,"ok":false,"error":{"code":"failed","message":"The agent made a mistake in panic."}}`)
	c.say(t, `{"id":2,"op":"fail"}`+"\n")
	c.hears(t, `{"id":2,"ok":false,"error":{"code":"failed","message":"no disk"}}`)
}

func TestAStreamTakesTheConnectionOverAfterItsAnswer(t *testing.T) {
	path := serve(t)
	c := dial(t, path)
	c.say(t, `{"id":5,"op":"copy"}`+"\nalready sent\n")
	c.hears(t, `{"id":5,"ok":true,"result":{}}`)
	c.hears(t, "already sent")
	c.say(t, "and more\n")
	c.hears(t, "and more")
	_ = c.CloseWrite()
	c.isCut(t)

	c = dial(t, path)
	c.say(t, `{"id":6,"op":"copy","params":{"no":1}}`+"\n")
	c.hears(t, `{"id":6,"ok":false,"error":{"code":"not-found","message":"Not today."}}`)
	c.isCut(t)

	c = dial(t, path)
	c.say(t, `{"id":1,"op":"echo"}`+"\n")
	c.hears(t, `{"id":1,"ok":true,"result":{}}`)
	c.say(t, `{"id":7,"op":"copy"}`+"\n")
	c.hears(t, `{"id":7,"ok":false,"error":{"code":"bad-request","message":"copy must be the first request of a connection."}}`)
}

func TestConnectionsOverTheMostAreToldAndOthersLiveOn(t *testing.T) {
	path := serve(t)
	first := dial(t, path)
	var all []*client
	for range maxConnections - 1 {
		all = append(all, dial(t, path))
	}
	refused := dial(t, path)
	got, err := refused.lines.ReadString('\n')
	if err != nil || !strings.Contains(got, `"unavailable"`) {
		t.Fatalf("%q, %v", got, err)
	}
	for range 2000 {
		conn, err := net.Dial("unix", path)
		if err == nil {
			_ = conn.Close()
		}
	}
	first.say(t, `{"id":1,"op":"echo"}`+"\n")
	first.hears(t, `{"id":1,"ok":true,"result":{}}`)
	_ = all[0].Close()
	deadline := time.Now().Add(patience)
	for {
		c := dial(t, path)
		_, _ = io.WriteString(c, `{"id":2,"op":"echo"}`+"\n")
		if line, _ := c.lines.ReadString('\n'); strings.Contains(line, `"ok":true`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of one who left is not free")
		}
	}
}

func TestASocketThatIsTakenAwayComesBack(t *testing.T) {
	path := serve(t)
	for _, sabotage := range []func(){
		func() { _ = os.Remove(path) },
		func() { _ = os.Remove(path); _ = os.WriteFile(path, []byte("mine now"), 0o644) },
	} {
		sabotage()
		deadline := time.Now().Add(patience)
		for {
			if conn, err := net.Dial("unix", path); err == nil {
				_ = conn.Close()
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("it did not come back")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func TestGarbageNeverEndsTheServer(t *testing.T) {
	path := serve(t)
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		c := dial(t, path)
		garbage := make([]byte, random.IntN(10000))
		for i := range garbage {
			garbage[i] = byte(random.Uint32())
		}
		if random.IntN(2) == 0 {
			garbage = append([]byte(`{"id":1,"op":"copy"}`+"\n"), garbage...)
		}
		_, _ = io.Copy(c, bytes.NewReader(garbage))
		_ = c.Close()
	}
	c := dial(t, path)
	c.say(t, `{"id":1,"op":"echo"}`+"\n")
	c.hears(t, `{"id":1,"ok":true,"result":{}}`)
}
