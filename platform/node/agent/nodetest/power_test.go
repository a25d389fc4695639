//go:build node

package nodetest

import (
	"testing"
	"time"
)

func (n *Node) power(plugged bool) time.Duration {
	n.t.Helper()
	began := time.Now()
	var result struct{ Plugged bool }
	if err := n.Ask("power", map[string]bool{"plugged": plugged}, &result); err != nil || result.Plugged != plugged {
		n.t.Fatalf("%+v, %v", result, err)
	}
	return time.Since(began)
}

func TestAnUnpluggedNodeForgetsItsMemoryAndKeepsItsDisk(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	n.MakeImage()
	before := n.Must("wc -l < /proc/1/mountinfo; ls /sys/class/net | grep -v -e docker -e veth")
	n.Must("docker run -d --name once tiny sleep 1000; docker run -d --name always --restart always tiny sleep 1000")
	n.Must("docker network create more; echo kept > /root/kept; echo gone > /run/gone; mount -t tmpfs x /mnt; iptables -A INPUT -s 192.0.2.9 -j DROP; nft add table inet mine")
	n.Must("ip netns add mine 2>/dev/null || true; (setsid sleep 1000 &) ; ip address add 198.51.100.1/32 dev lo")
	t.Logf("unplugged in %v", n.power(false))
	// A look from outside: nothing of the node's own runs any more.
	if got := n.Must("cat /proc/[0-9]*/comm | sort | uniq | grep -v -e bash -e cat -e sort -e uniq -e grep"); got != "slipway-node" {
		t.Errorf("still running: %q", got)
	}
	if got := n.Must("ls /run; ls /sys/class/net; nft list tables; cat /root/kept; ls -d /sys/fs/cgroup/*/docker 2>/dev/null || true"); got != "slipway\nlo\nkept" {
		t.Errorf("left: %q", got)
	}
	t.Logf("plugged in after %v", n.power(true))
	n.Ready("dockerd")
	n.Eventually(10*time.Second, "only what restarts always runs", func() bool {
		return n.Must("docker ps --format '{{.Names}}'") == "always"
	})
	if got := n.Must("docker inspect --format '{{.State.ExitCode}}' once; docker images -q tiny | wc -l; docker network ls -q --filter name=more | wc -l"); got != "255\n1\n1" {
		t.Errorf("after a power cut Docker says %q", got)
	}
	n.Must("docker rm -f always once; docker network rm more docker_gwbridge 2>/dev/null; true")
	if got := n.Must("wc -l < /proc/1/mountinfo; ls /sys/class/net | grep -v -e docker -e veth"); got != before {
		t.Errorf("it was %q and is %q", before, got)
	}
}

func TestANodeMayLoseItsPowerWhileItBootsAndAgainAndAgain(t *testing.T) {
	n := Start(t)
	n.Eventually(5*time.Second, "the agent answers", func() bool { _, err := n.Status("dockerd"); return err == nil })
	for range 3 {
		n.power(false)
		n.power(false)
		n.power(true)
	}
	n.power(true)
	n.Ready("dockerd")
	n.MakeImage()
	if got := n.Must("docker run --rm tiny bash -c 'echo works'"); got != "works" {
		t.Errorf("%q", got)
	}
}

func TestAForkBombEndsWithThePower(t *testing.T) {
	n := Start(t)
	n.Ready("dockerd")
	talk := n.Talk()
	talk.Ask("status", struct{}{}) // it is there before the processes run out, as the platform's connection is
	n.Must("(setsid bash -c 'while :; do (while :; do sleep 100 & done) & sleep 0.05; done' >/dev/null 2>&1 &)")
	n.Eventually(20*time.Second, "the node is out of processes", func() bool {
		_, code := talk.Ask("run", map[string]any{"argv": []string{"true"}})
		return code == "failed"
	})
	if _, code := talk.Ask("power", map[string]bool{"plugged": false}); code != "" {
		t.Fatalf("the power is not off: %s", code)
	}
	n.power(true)
	n.Ready("dockerd")
}
