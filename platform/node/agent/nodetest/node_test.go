//go:build node

package nodetest

import (
	"os/exec"
	"testing"
	"time"
)

func TestANodeBootsAndRunsContainers(t *testing.T) {
	n := Start(t)
	t.Logf("dockerd was ready after %d ms", n.Ready("dockerd"))
	n.MakeImage()
	if got := n.Must("docker run --rm -p 443:443 -p 80:80 -m 32m tiny bash -c 'echo from $((40+2))'"); got != "from 42" {
		t.Errorf("%q", got)
	}
	if got := n.Must("docker info --format '{{.Driver}} {{.CgroupDriver}} {{.LiveRestoreEnabled}}'"); got != "overlay2 cgroupfs false" {
		t.Errorf("%q", got)
	}
	if got := n.Must("grep -c ' / / .*shared:' /proc/1/mountinfo"); got != "1" {
		t.Error("the root's mount is not shared")
	}
	// No registry was given, so nothing may listen for one or bear its name.
	if got := n.Must("cat /proc/sys/net/ipv4/ip_forward; grep -c registry /etc/hosts; grep -c ' 0A ' /proc/net/tcp || true"); got != "1\n0\n0" {
		t.Errorf("forwarding, registry's name, listening ports: %q", got)
	}
}

func TestEveryOrphanIsCollected(t *testing.T) {
	n := Start(t)
	n.Must("for i in $(seq 100); do (sleep 0.0$((i % 10)) & ) ; done; sleep 0.3")
	n.Eventually(5*time.Second, "no zombie is left", func() bool {
		return n.Must("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true") == "0"
	})
}

func TestAKilledDockerdComesBackAndContainersAreAsAtHome(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	n.Must("docker run -d --name once tiny sleep 1000; docker run -d --name always --restart always tiny sleep 1000")
	n.Must("kill -9 $(pidof dockerd)")
	took := n.Eventually(15*time.Second, "dockerd is back", func() bool { _, err := n.Shell("docker version"); return err == nil })
	t.Logf("back after %v", took)
	n.Eventually(10*time.Second, "only what restarts always runs", func() bool {
		return n.Must("docker ps --format '{{.Names}}'") == "always"
	})
	if s, err := n.Status("dockerd"); err != nil || s.Restarts != 1 || s.State != "ready" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAKilledContainerdComesBackAndContainersLiveOn(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	n.Must("docker run -d --name lives tiny sleep 1000")
	before := n.Must("docker inspect --format '{{.State.Pid}}' lives")
	n.Must("kill -9 $(pidof containerd)")
	took := n.Eventually(10*time.Second, "containers can be run", func() bool {
		out, _ := n.Shell("docker run --rm tiny bash -c 'echo works'")
		return out == "works"
	})
	t.Logf("containers run again after %v", took)
	if after := n.Must("docker inspect --format '{{.State.Pid}}' lives; docker exec lives bash -c 'echo inside'"); after != before+"\ninside" {
		t.Errorf("it was %s and is %s", before, after)
	}
}

func TestANodeOutlivesItsLearnerKillingEverything(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	_, _ = n.Shell("kill -9 -1; kill -9 1")
	took := n.Eventually(10*time.Second, "containers can be run", func() bool {
		out, _ := n.Shell("docker run --rm tiny bash -c 'echo works'")
		return out == "works"
	})
	t.Logf("containers run again after %v", took)
}

func TestANodeOutlivesAForkBomb(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	talk := n.Talk()
	talk.Ask("status", struct{}{}) // it is there before the processes run out
	bombs := exec.Command("docker", "exec", n.name, "bash", "-c",
		"for i in $(seq 5); do (while :; do sleep 1000 & done) & done; while :; do sleep 1000 & done")
	if err := bombs.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bombs.Process.Kill(); _ = bombs.Wait() }()
	n.Eventually(20*time.Second, "the node is out of processes", func() bool {
		_, code := talk.Ask("run", map[string]any{"argv": []string{"true"}})
		return code == "failed"
	})
	// Much at once, so that a runtime that needed threads for it would ask for some now and end for want of them.
	for range 200 {
		talk.Say("run", map[string]any{"argv": []string{"true"}})
		talk.Say("read-file", map[string]any{"path": "/proc/self/mountinfo"})
		talk.Say("links", struct{}{})
	}
	for range 600 {
		talk.Hear()
	}
	n.docker("stop", "--time", "5", n.name)
	if status, _ := n.Ended(time.Second); status != "0" {
		t.Errorf("exit status %s", status)
	}
}

func TestANodeOutlivesAMemoryHogThatDiesFirst(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	before, err := n.Status("dockerd")
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.Shell("echo 500 > /proc/self/oom_score_adj; tail /dev/zero")
	if err == nil {
		t.Errorf("the hog ended well: %s", out)
	}
	after, err := n.Status("dockerd")
	if err != nil || after.Pid != before.Pid {
		t.Errorf("dockerd was %+v and is %+v, %v", before, after, err)
	}
}

func TestANodeOutlivesAFullDisk(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	_, _ = n.Shell("fallocate -l 100G /var/full; dd if=/dev/zero of=/var/full2 bs=1M 2>/dev/null; dd if=/dev/zero of=/var/full3 bs=1k 2>/dev/null")
	n.Must("kill -9 $(pidof dockerd) $(pidof containerd)")
	if _, err := n.Status("dockerd"); err != nil {
		t.Fatalf("the agent does not answer: %v", err)
	}
	n.Must("rm -f /var/full*")
	n.Eventually(15*time.Second, "dockerd is back", func() bool { _, err := n.Shell("docker version"); return err == nil })
}

func TestGarbageAndThousandsOfConnectionsLeaveTheAgentAnswering(t *testing.T) {
	n := Start(t)
	n.Must(`for i in $(seq 20); do head -c 100000 /dev/urandom | timeout 5 slipway-node connect > /dev/null; done; exit 0`)
	n.Must(`which python3 >/dev/null || exit 0; python3 - <<'END'
import socket
s=[]
for i in range(900):
    c=socket.socket(socket.AF_UNIX); c.connect("/run/slipway/agent.sock"); s.append(c)
END`)
	n.Must("rm /run/slipway/agent.sock")
	n.Eventually(10*time.Second, "the agent answers again", func() bool { _, err := n.Status("dockerd"); return err == nil })
}

func TestTheTerminateSignalEndsANodeInOrderAndInTime(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	n.Must("docker run -d --restart always tiny bash -c 'trap \"\" TERM; while :; do sleep 1; done'; docker run -d tiny sleep 1000")
	n.docker("kill", "--signal", "TERM", n.name)
	status, took := n.Ended(15 * time.Second)
	t.Logf("ended after %v", took)
	if status != "0" {
		t.Errorf("exit status %s after %v", status, took)
	}
	n.docker("start", n.name)
	n.Ready("dockerd")
	if got := n.Must("docker ps -a --format x | wc -l; docker images -q tiny | wc -l"); got != "2\n1" {
		t.Errorf("after a stop and a start: %q", got)
	}
}

func TestTheEndOfTheLeaseEndsANode(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	var left struct {
		LeaseLeftMS int64 `json:"lease_left_ms"`
	}
	if err := n.Ask("status", struct{}{}, &left); err != nil || left.LeaseLeftMS > 300_000 || left.LeaseLeftMS < 250_000 {
		t.Errorf("%+v, %v", left, err)
	}
	if err := n.Ask("lease", map[string]int{"seconds": 2}, nil); err != nil {
		t.Fatal(err)
	}
	status, took := n.Ended(20 * time.Second)
	if status != "0" || took < time.Second {
		t.Errorf("exit status %s after %v", status, took)
	}
}

func TestWhatGoesThroughAContainersInterfaceIsCounted(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	n.Must("docker run -d --name web tiny sleep 1000; docker run -d --network host tiny sleep 1000; docker run -d --network container:web tiny sleep 1000")
	web := n.Must("docker inspect --format '{{.Id}} {{.NetworkSettings.MacAddress}}' web")
	count := func() (containers int, bytes uint64) {
		var answer struct {
			Containers []struct {
				ID         string
				Interfaces []struct {
					MAC     string
					RxBytes uint64 `json:"rx_bytes"`
				}
			}
		}
		if err := n.Ask("traffic", struct{}{}, &answer); err != nil {
			t.Fatal(err)
		}
		for _, container := range answer.Containers {
			for _, each := range container.Interfaces {
				if container.ID+" "+each.MAC == web {
					bytes = each.RxBytes
				}
			}
		}
		return len(answer.Containers), bytes
	}
	containers, before := count()
	if containers != 2 {
		t.Errorf("%d containers with networks that are not the node's", containers)
	}
	n.Must("ping -c 3 -i 0.2 $(docker inspect --format '{{.NetworkSettings.IPAddress}}' web)")
	if _, after := count(); after < before+3*84 {
		t.Errorf("%d bytes before, %d after three pings", before, after)
	}
}
