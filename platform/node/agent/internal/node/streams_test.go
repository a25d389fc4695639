package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway.dev/node/internal/boot"
	"slipway.dev/node/internal/cgroups"
	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/server"
	"slipway.dev/node/internal/shell"
)

const patience = 15 * time.Second

// platform is the other end of connections to an agent that has not booted anything: no engine, no services.
type platform struct {
	t    *testing.T
	node *Node
	path string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := newNode("test", time.Now(), boot.Settings{}, cgroups.Detect())
	collected := make(chan struct{})
	go func() { n.reaper.Run(ctx); close(collected) }()
	folder := t.TempDir()
	shells, err := shell.NewManager(folder, folder, 0, n.reaper, func(name, what string) {
		n.hub.Publish(shellEvent{Kind: "shell", Shell: name, What: what})
	})
	if err != nil {
		t.Fatal(err)
	}
	n.shells = shells
	s := server.New()
	n.register(s)
	path := filepath.Join(folder, "agent.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ctx, listener)
	t.Cleanup(func() {
		for _, info := range shells.List() {
			_ = shells.Close(info.Shell)
		}
		_ = listener.Close()
		cancel()
		<-collected
	})
	return &platform{t: t, node: n, path: path}
}

type line struct {
	*net.UnixConn
	t      *testing.T
	reader *bufio.Reader
}

func (p *platform) says(request string) *line {
	p.t.Helper()
	conn, err := net.Dial("unix", p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, request+"\n")
	return &line{conn.(*net.UnixConn), p.t, bufio.NewReader(conn)}
}

func (l *line) next(into any) string {
	l.t.Helper()
	text, err := l.reader.ReadBytes('\n')
	if err != nil {
		l.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			l.t.Fatalf("%q: %v", text, err)
		}
	}
	return strings.TrimSpace(string(text))
}

func TestAShellStreamShowsScrollbackTakesInputAndTellsTheExit(t *testing.T) {
	p := newPlatform(t)
	first := p.says(`{"id":1,"op":"shell","params":{"shell":"main","cols":90,"rows":20}}`)
	if got := first.next(nil); got != `{"id":1,"ok":true,"result":{"created":true,"scrollback_bytes":0}}` {
		t.Fatal(got)
	}
	_, _ = first.Write(frames.Append(nil, frames.Input, []byte("echo wel''come $(stty size)\r")))
	first.sees("welcome 20 90")
	second := p.says(`{"id":2,"op":"shell","params":{"shell":"main"}}`)
	var answer struct {
		Result struct {
			Created    bool
			Scrollback int `json:"scrollback_bytes"`
		}
	}
	if second.next(&answer); answer.Result.Created || answer.Result.Scrollback == 0 {
		t.Errorf("%+v", answer)
	}
	if opcodes, content := second.sees("welcome 20 90"); opcodes[0] != frames.Scrollback {
		t.Errorf("%v before %q", opcodes, content)
	}
	var content struct{ Result struct{ Content string } }
	p.says(`{"id":3,"op":"transcript","params":{"shell":"main"}}`).next(&content)
	if text, err := base64.StdEncoding.DecodeString(content.Result.Content); err != nil || !bytes.Contains(text, []byte("welcome")) {
		t.Errorf("transcript %q, %v", text, err)
	}
	if got := p.says(`{"id":4,"op":"close-shell","params":{"shell":"main"}}`).next(nil); got != `{"id":4,"ok":true,"result":{}}` {
		t.Error(got)
	}
	for _, viewer := range []*line{first, second} {
		if opcode, payload := viewer.last(); opcode != frames.Exit || !strings.Contains(string(payload), `"signal":"HUP"`) {
			t.Errorf("the last frame: %d %s", opcode, payload)
		}
	}
}

// sees reads frames until the text has been shown; which opcodes, and what was shown.
func (l *line) sees(text string) (opcodes []byte, shown string) {
	l.t.Helper()
	reader := frames.NewReader(l.reader)
	for !strings.Contains(shown, text) {
		opcode, payload, err := reader.Next()
		if err != nil {
			l.t.Fatalf("%v after %q", err, shown)
		}
		opcodes, shown = append(opcodes, opcode), shown+string(payload)
	}
	return opcodes, shown
}

// last reads to the stream's end.
func (l *line) last() (opcode byte, payload []byte) {
	l.t.Helper()
	reader := frames.NewReader(l.reader)
	for {
		next, content, err := reader.Next()
		if err != nil {
			return opcode, payload
		}
		opcode, payload = next, bytes.Clone(content)
	}
}

func TestAShellStreamWithWrongParamsIsRefused(t *testing.T) {
	p := newPlatform(t)
	for _, params := range []string{`{"shell":"../x"}`, `{"shell":"` + strings.Repeat("a", 17) + `"}`, `{"cols":0}`, `{"rows":1001}`, `{"scrollback":-1}`, `{"colour":1}`} {
		if got := p.says(`{"id":1,"op":"shell","params":` + params + `}`).next(nil); !strings.Contains(got, "bad-request") {
			t.Errorf("%s: %s", params, got)
		}
	}
	if got := p.says(`{"id":1,"op":"shells"}`).next(nil); got != `{"id":1,"ok":true,"result":{"shells":[]}}` {
		t.Error(got)
	}
}

func TestEventsBeginWithHelloAndTellOfShells(t *testing.T) {
	p := newPlatform(t)
	events := p.says(`{"id":1,"op":"events"}`)
	events.next(nil)
	var first hello
	if events.next(&first); first.Kind != "hello" || first.Version != "test" || len(first.Services) != 2 {
		t.Errorf("%+v", first)
	}
	p.says(`{"id":2,"op":"shell","params":{"shell":"s"}}`).next(nil)
	if got := events.next(nil); got != `{"kind":"shell","shell":"s","what":"started"}` {
		t.Error(got)
	}
	p.node.publishDocker(json.RawMessage(`{"Type":"container","Action":"start"}`))
	if got := events.next(nil); got != `{"kind":"docker","event":{"Type":"container","Action":"start"}}` {
		t.Error(got)
	}
	_ = events.CloseWrite()
	if rest, err := io.ReadAll(events.reader); err != nil || len(rest) > 0 {
		t.Errorf("after the listener has gone: %q, %v", rest, err)
	}
}

func TestDialCarriesBytesAndHalfCloseBothWays(t *testing.T) {
	p := newPlatform(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		said, _ := io.ReadAll(conn)
		fmt.Fprintf(conn, "you said %d bytes", len(said))
	}()
	c := p.says(`{"id":1,"op":"dial","params":{"address":"` + listener.Addr().String() + `"}}` + "\nearly bytes ")
	if got := c.next(nil); got != `{"id":1,"ok":true,"result":{}}` {
		t.Fatal(got)
	}
	_, _ = c.Write(make([]byte, 1<<20))
	_ = c.CloseWrite()
	if got, err := io.ReadAll(c.reader); err != nil || string(got) != fmt.Sprintf("you said %d bytes", 1<<20+len("early bytes \n")) {
		t.Errorf("%q, %v", got, err)
	}
	gone := listener.Addr().String()
	_ = listener.Close()
	if got := p.says(`{"id":1,"op":"dial","params":{"address":"` + gone + `"}}`).next(nil); !strings.Contains(got, `"failed"`) || !strings.Contains(got, "refused") {
		t.Error(got)
	}
}

func TestWaitingForAServiceThatDoesNotComeIsATimeOutWithItsState(t *testing.T) {
	p := newPlatform(t)
	if got := p.says(`{"id":1,"op":"wait","params":{"service":"dockerd","timeout_ms":50}}`).next(nil); !strings.Contains(got, `"timeout"`) || !strings.Contains(got, "starting") {
		t.Error(got)
	}
	if got := p.says(`{"id":1,"op":"wait","params":{"service":"sshd"}}`).next(nil); !strings.Contains(got, `"not-found"`) {
		t.Error(got)
	}
	if got := p.says(`{"id":1,"op":"docker","params":{"path":"/nothing","timeout_ms":0}}`).next(nil); !strings.Contains(got, `"bad-request"`) {
		t.Error(got)
	}
	for _, seconds := range []string{"0", "-5", "99999999"} {
		if got := p.says(`{"id":1,"op":"lease","params":{"seconds":` + seconds + `}}`).next(nil); !strings.Contains(got, `"bad-request"`) {
			t.Error(got)
		}
	}
}

func TestLinksAreThoseOfTheKernel(t *testing.T) {
	var answer struct {
		Result struct {
			Links []struct {
				Name      string
				Addresses []string
			}
		}
	}
	newPlatform(t).says(`{"id":1,"op":"links"}`).next(&answer)
	interfaces, err := net.Interfaces()
	if err != nil || len(answer.Result.Links) != len(interfaces) {
		t.Errorf("%+v, %v", answer, err)
	}
}
