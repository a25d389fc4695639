package statuspage

import (
	"strings"
	"testing"

	"slipway.dev/node/internal/mesh"
	"slipway.dev/node/internal/node"
	"slipway.dev/node/internal/shell"
	"slipway.dev/node/internal/supervise"
)

func TestThePageSaysAllOnOneScreen(t *testing.T) {
	left, ready, exit := int64(3_599_000), int64(412), "signal: killed"
	status := node.Status{
		Version: "1.2", Hostname: "node1", UptimeMS: 61_000, LeaseLeftMS: &left, Cgroup: "v1", Mesh: mesh.Repaired,
		Services: []supervise.Status{
			{Name: "containerd", State: supervise.Starting},
			{Name: "dockerd", State: supervise.Ready, Pid: 40, Restarts: 1, ReadyAfterMS: &ready, LastExit: &exit},
		},
	}
	var page strings.Builder
	if err := render(&page, status, []shell.Info{{Shell: "1", Pid: 77, StartedMSAgo: 5000, Viewers: 2}, {Shell: "old", Exited: true}}); err != nil {
		t.Fatal(err)
	}
	want := `node1  up 1m1s, lease 59m59s left, cgroup v1, mesh repaired, slipway-node 1.2

SERVICE     STATE     PID  READY AFTER  RESTARTS  LAST EXIT
containerd  starting  0    -            0         -
dockerd     ready     40   412 ms       1         signal: killed

SHELL  STATE    PID  RUNNING FOR  VIEWERS
1      running  77   5s           2
old    exited   0    0s           0
`
	if got := page.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithoutAnAgentThePageIsASentence(t *testing.T) {
	if err := Print(&strings.Builder{}, "/no/such/socket", false); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Error(err)
	}
}
