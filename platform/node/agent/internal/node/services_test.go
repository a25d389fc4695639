package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"slipway.dev/node/internal/mesh"
)

func TestDockerdGetsNoFlagThatTheLearnersFileSets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "daemon.json")
	all := dockerdFlags(readDaemonJSON(path))
	if !slices.Contains(all, "--storage-driver=overlay2") || !slices.Contains(all, "--host=unix:///run/docker.sock") {
		t.Errorf("without a file: %q", all)
	}
	if err := os.WriteFile(path, []byte(`{"storage-driver": "vfs", "debug": true, "hosts": ["unix:///run/docker.sock"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	fewer := strings.Join(dockerdFlags(readDaemonJSON(path)), " ")
	if strings.Contains(fewer, "storage-driver") || strings.Contains(fewer, "--host") || !strings.Contains(fewer, "--containerd=") {
		t.Errorf("with a file: %q", fewer)
	}
	if err := os.WriteFile(path, []byte(`{"storage-driver": `), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := dockerdFlags(readDaemonJSON(path)); !slices.Equal(got, all) {
		t.Errorf("with a broken file: %q", got)
	}
}

func TestDockerdsLogLooksAsIfTheMeshDidNotListen(t *testing.T) {
	if !slices.Contains(dockerdFlags(nil), "--log-level=debug") {
		t.Error("the mesh would not hear of tasks")
	}
	for _, file := range []string{`{"log-level": "warn"}`, `{"debug": true}`} {
		path := filepath.Join(t.TempDir(), "daemon.json")
		if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := dockerdFlags(readDaemonJSON(path)); slices.Contains(got, "--log-level=debug") {
			t.Errorf("the learner's %s does not count: %q", file, got)
		}
	}
	n := &Node{mesh: mesh.New(nil, nil)}
	for line, keep := range map[string]bool{
		`time="…" level=info msg="API listen on /run/docker.sock"`:                                      true,
		`time="…" level=debug msg="Calling GET /_ping"`:                                                 false,
		`{"level":"debug","msg":"Calling GET /_ping"}`:                                                  false,
		`time="…" level=error msg="Inconsistent driver and libnetwork state for endpoint 8c7415f2f696"`: false,
	} {
		if got := n.dockerdLine([]byte(line)); got != keep {
			t.Errorf("%v: %s", got, line)
		}
		n.keepAllLines.Store(true)
		if !n.dockerdLine([]byte(line)) {
			t.Errorf("the learner wanted all, but not %s", line)
		}
		n.keepAllLines.Store(false)
	}
}

func TestPollingIsByTheMillisecondAtFirstAndRareLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		tries := 0
		err := poll(context.Background(), func(context.Context) error {
			tries++
			if time.Since(began) < 60*time.Millisecond {
				return errors.New("not yet")
			}
			return nil
		})
		if took := time.Since(began); err != nil || took > 65*time.Millisecond || tries < 20 {
			t.Errorf("%v after %v and %d tries", err, took, tries)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		tries = 0
		if poll(ctx, func(context.Context) error { tries++; return errors.New("never") }) == nil || tries > 3000 {
			t.Errorf("%d tries in ten minutes", tries)
		}
	})
}

func TestOnlyTheProcessesOfDockersContainersAreFound(t *testing.T) {
	proc := t.TempDir()
	add := func(pid, stat, cmdline string) {
		folder := filepath.Join(proc, pid)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{"stat": stat, "cmdline": cmdline} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	shim := "/usr/bin/containerd-shim-runc-v2\x00-namespace\x00%\x00-id\x00abc\x00"
	add("1", "1 (slipway-node) S 0 1", "slipway-node\x00")
	add("50", "50 (containerd-shim) S 1 50", strings.Replace(shim, "%", "moby", 1))
	add("51", "51 (odd) S 9 (name) S 50 51", "sh\x00")
	add("52", "52 (dead) Z 50 52", "")
	add("53", "53 (child) S 51 51", "sleep\x00")
	add("60", "60 (containerd-shim) S 1 60", strings.Replace(shim, "%", "k8s.io", 1))
	add("61", "61 (pause) S 60 61", "pause\x00")
	add("70", "70 (bash) S 1 70", "bash\x00-namespace\x00moby\x00")
	add("71", "71 (sleep) S 70 70", "sleep\x00")
	if got := containerProcesses(proc); !slices.Equal(got, []int{51}) {
		t.Errorf("%v", got)
	}
}

func TestInitIsRefusedToAnyoneButProcessOne(t *testing.T) {
	if err := Run("test"); err == nil {
		t.Error("it ran")
	}
}
