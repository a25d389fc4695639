package nodetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// toolImage is what the services of a Swarm run: meshtool and nothing else. With tag 2 it says another version; with tags 2
// and w the engine watches its health.
const (
	toolImage = "meshtool"
	watched   = `--change 'HEALTHCHECK --interval=400ms --retries=2 CMD ["/meshtool","healthy"]'`
)

// Swarm is some nodes on a network of their own, in one swarm; the first is its manager.
type Swarm struct {
	t       *testing.T
	Nodes   []*Node
	Address map[*Node]string
	tool    string // on this machine
}

// StartSwarm starts the nodes and puts meshtool into each, as a program and as images.
func StartSwarm(t *testing.T, count int) *Swarm {
	t.Helper()
	s := &Swarm{t: t, Address: make(map[*Node]string), tool: filepath.Join(t.TempDir(), "meshtool")}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", s.tool, "./meshtool")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("meshtool: %v\n%s", err, out)
	}
	network := fmt.Sprintf("meshtest-%d", os.Getpid())
	create := exec.Command("docker", "network", "create", "--internal", "--opt", "com.docker.network.bridge.inhibit_ipv4=true", network)
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("docker network create: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "network", "rm", network).Run() })
	for n := range count {
		s.Nodes = append(s.Nodes, StartOn(t, network, fmt.Sprintf("node%d", n+1), "--env", "SLIPWAY_LEASE_SECONDS=1800"))
	}
	for _, node := range s.Nodes {
		node.Ready("dockerd")
		s.Address[node] = node.Must("hostname -i | cut -d' ' -f1")
		s.prepare(node)
	}
	manager := s.Nodes[0]
	manager.Must("docker swarm init --advertise-addr " + s.Address[manager])
	token := manager.Must("docker swarm join-token -q worker")
	for _, node := range s.Nodes[1:] {
		node.Must("docker swarm join --token " + token + " " + s.Address[manager] + ":2377")
	}
	return s
}

func (s *Swarm) prepare(node *Node) {
	s.t.Helper()
	tool, err := os.ReadFile(s.tool)
	if err != nil {
		s.t.Fatal(err)
	}
	put := exec.Command("docker", "exec", "-i", node.name, "sh", "-c", "cat > /usr/local/bin/meshtool && chmod +x /usr/local/bin/meshtool")
	put.Stdin = bytes.NewReader(tool)
	if out, err := put.CombinedOutput(); err != nil {
		s.t.Fatalf("putting meshtool: %v\n%s", err, out)
	}
	for tag, changes := range map[string]string{
		"1": `--change 'CMD ["serve","-version","1"]'`,
		"2": `--change 'CMD ["serve","-version","2"]' ` + watched,
		"w": `--change 'CMD ["serve","-version","1"]' ` + watched,
	} {
		node.Must(`tar -C /usr/local/bin -c meshtool | docker import --change 'ENTRYPOINT ["/meshtool"]' ` + changes + ` - ` + toolImage + `:` + tag)
	}
}

// Manager is the node whose engine leads the swarm.
func (s *Swarm) Manager() *Node {
	for _, node := range s.Nodes {
		if out, err := node.Shell("docker node inspect self --format '{{.ManagerStatus.Leader}}'"); err == nil && out == "true" {
			return node
		}
	}
	s.t.Fatal("the swarm has no leader")
	return nil
}

// Docker runs docker on the manager.
func (s *Swarm) Docker(arguments string) string {
	s.t.Helper()
	return s.Manager().Must("docker " + arguments)
}

// Running gives the host names of the containers that should answer for a service, sorted.
func (s *Swarm) Running(service string) []string {
	s.t.Helper()
	names := []string{}
	for _, node := range s.Nodes {
		out, err := node.Shell("docker ps --no-trunc --filter label=com.docker.swarm.service.name=" + service + " --format '{{.ID}}'")
		if err != nil {
			continue // the node is down
		}
		for id := range strings.FieldsSeq(out) {
			names = append(names, id[:12])
		}
	}
	slices.Sort(names)
	return names
}

// Report is what `meshtool load` prints.
type Report struct {
	Answers  map[string]int
	Failures []string
	Requests int
	PerSec   float64 `json:"per_second"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
}

// Names are the hosts that answered, whatever version they said, sorted.
func (r Report) Names() []string {
	names := []string{}
	for answer := range r.Answers {
		name, _, _ := strings.Cut(answer, "/")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Load runs `meshtool load` in a node, or in a container there when prefix is a `docker exec …`.
func (n *Node) Load(prefix, arguments string) (Report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	script := strings.TrimSpace(prefix + " meshtool load " + arguments)
	if prefix != "" {
		script = prefix + " /meshtool load " + arguments
	}
	out, err := exec.CommandContext(ctx, "docker", "exec", n.name, "bash", "-c", script).Output()
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", script, err)
	}
	var report Report
	return report, json.Unmarshal(out, &report)
}

// Row is one case's line of the table.
type Row struct {
	Case, Result string
	Followed     time.Duration // 0 where nothing had to
}

// Table prints the rows for a person.
func Table(t *testing.T, rows []Row) {
	t.Helper()
	var out strings.Builder
	for _, row := range rows {
		followed := "-"
		if row.Followed > 0 {
			followed = fmt.Sprintf("%.2f s", row.Followed.Seconds())
		}
		fmt.Fprintf(&out, "%-62s %-8s %s\n", row.Case, row.Result, followed)
	}
	t.Logf("\n%-62s %-8s %s\n%s", "case", "result", "rules followed after", out.String())
}
