package bridge

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The test's own binary plays `slipway-node connect` when it is told to, so that its memory and its standard streams are
// those of a process of its own.
func TestMain(m *testing.M) {
	if path := os.Getenv("BRIDGE_TO"); path != "" {
		if err := Connect(path, 0, 1); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type bridged struct {
	agent  *net.UnixConn
	input  io.WriteCloser
	output io.ReadCloser
	cmd    *exec.Cmd
	ended  chan error
}

func connect(t *testing.T) *bridged {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b := &bridged{cmd: exec.Command("/proc/self/exe"), ended: make(chan error, 1)}
	b.cmd.Env = append(os.Environ(), "BRIDGE_TO="+path)
	inReader, inWriter, _ := os.Pipe()
	outReader, outWriter, _ := os.Pipe()
	b.cmd.Stdin, b.cmd.Stdout, b.input, b.output = inReader, outWriter, inWriter, outReader
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = inReader.Close(), outWriter.Close()
	go func() { b.ended <- b.cmd.Wait() }()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b.agent = conn.(*net.UnixConn)
	_ = b.agent.SetDeadline(time.Now().Add(20 * time.Second))
	_ = outReader.SetReadDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { _ = b.cmd.Process.Kill(); _ = b.agent.Close(); _ = b.input.Close(); _ = b.output.Close() })
	return b
}

func (b *bridged) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-b.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

func TestBytesGoBothWaysAndHalfCloseIsPassedOn(t *testing.T) {
	b := connect(t)
	question, answer := bytes.Repeat([]byte("question "), 300000), bytes.Repeat([]byte("answer "), 400000)
	go func() { _, _ = b.input.Write(question); _ = b.input.Close() }()
	heard, err := io.ReadAll(b.agent)
	if err != nil || !bytes.Equal(heard, question) {
		t.Fatalf("%d bytes, %v", len(heard), err)
	}
	go func() { _, _ = b.agent.Write(answer); _ = b.agent.CloseWrite() }()
	got, err := io.ReadAll(b.output)
	if err != nil || !bytes.Equal(got, answer) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	b.ends(t)
}

func TestTheAgentMayEndItsHalfFirst(t *testing.T) {
	b := connect(t)
	_, _ = b.agent.Write([]byte("that is all"))
	_ = b.agent.CloseWrite()
	if got, err := io.ReadAll(b.output); err != nil || string(got) != "that is all" {
		t.Fatalf("%q, %v", got, err)
	}
	_, _ = b.input.Write([]byte("but I say more"))
	_ = b.input.Close()
	if got, err := io.ReadAll(b.agent); err != nil || string(got) != "but I say more" {
		t.Fatalf("%q, %v", got, err)
	}
	b.ends(t)
}

func TestItEndsWithTheAgentAlthoughInputIsStillOpen(t *testing.T) {
	b := connect(t)
	_, _ = b.agent.Write([]byte("last words"))
	_ = b.agent.Close()
	if got, err := io.ReadAll(b.output); err != nil || string(got) != "last words" {
		t.Fatalf("%q, %v", got, err)
	}
	b.ends(t)
}

func TestItEndsWhenNobodyTakesItsOutput(t *testing.T) {
	b := connect(t)
	_ = b.output.Close()
	_, _ = b.agent.Write([]byte("anybody?"))
	b.ends(t)
}

func TestInputGoesThroughWhileOutputIsStuck(t *testing.T) {
	b := connect(t)
	_ = b.agent.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	_, err := b.agent.Write(make([]byte, 10<<20))
	if err == nil {
		t.Fatal("ten megabytes went through although nobody reads")
	}
	_, _ = b.input.Write([]byte("\x03"))
	got := make([]byte, 1)
	if _, err := io.ReadFull(b.agent, got); err != nil || got[0] != 3 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAnIdleOneTakesLittleMemory(t *testing.T) {
	b := connect(t)
	_, _ = b.input.Write([]byte("x"))
	_, _ = io.ReadFull(b.agent, make([]byte, 1))
	status, err := os.ReadFile("/proc/" + strconv.Itoa(b.cmd.Process.Pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			t.Logf("%d KiB of its own", kib)
			if kib > 4096 && !raceDetector {
				t.Errorf("%d KiB of its own", kib)
			}
		}
	}
}

func TestWhereNobodyListensItSaysSo(t *testing.T) {
	if err := Connect(filepath.Join(t.TempDir(), "none"), 0, 1); err == nil {
		t.Error("no error")
	}
}

func TestItWaitsForAnAgentThatIsStillBooting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "BRIDGE_TO="+path)
	cmd.Stdin = strings.NewReader("hello")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatal("it did not wait:", err)
	case <-time.After(200 * time.Millisecond):
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if said, err := io.ReadAll(conn); err != nil || string(said) != "hello" {
		t.Errorf("%q, %v", said, err)
	}
	_ = conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
