package names

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheNodesOwnNameServerIsAskedAndNeverOurselves(t *testing.T) {
	for content, want := range map[string]string{
		"nameserver 127.0.0.11\noptions ndots:0\n":                            "127.0.0.11",
		"# a comment\nsearch x\nnameserver 192.0.2.53\nnameserver 10.1.2.3\n": "10.1.2.3",
		"nameserver\nnameserver nobody\n":                                     fallback,
		"":                                                                    fallback,
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := upstream(path); got != want {
			t.Errorf("%q: %s", content, got)
		}
	}
	if got := upstream("/nowhere"); got != fallback {
		t.Error(got)
	}
}

func TestAQuestionIsPassedOnAndItsAnswerComesBack(t *testing.T) {
	knows, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer knows.Close()
	go func() {
		buffer := make([]byte, maxMessage)
		for {
			n, asker, err := knows.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = knows.WriteTo(append([]byte("answer to "), buffer[:n]...), asker)
		}
	}()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{socket: socket, upstream: knows.LocalAddr().String()}
	go server.Serve(t.Context())
	asker, err := net.Dial("udp4", socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	_ = asker.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := asker.Write([]byte("a question")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, maxMessage)
	n, err := asker.Read(buffer)
	if err != nil || string(buffer[:n]) != "answer to a question" {
		t.Errorf("%q, %v", buffer[:n], err)
	}
}
