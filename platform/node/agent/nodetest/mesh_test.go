//go:build node

package nodetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// meshCases is one swarm that lives through all cases, in order, and what they took.
type meshCases struct {
	*Swarm
	t    *testing.T
	rows []Row
}

// TestTheSwarmMeshAnswersOnRealNodes is a table of cases on one swarm of three nodes, two of them workers at first.
func TestTheSwarmMeshAnswersOnRealNodes(t *testing.T) {
	c := &meshCases{Swarm: StartSwarm(t, 3), t: t}
	t.Cleanup(func() { Table(t, c.rows) })
	c.Docker("network create -d overlay --attachable front")
	c.Docker("network create -d overlay --attachable back")
	c.on(2).Must("docker run -d --name client --network front --network-alias client meshtool:1 serve -port 90 && docker network connect back client")
	for _, each := range []struct {
		name string
		do   func(t *testing.T) time.Duration
	}{
		{"a published port answers on every node, on 127.0.0.1 too", c.publishedEverywhere},
		{"a published port answers on a node without a task", c.publishedWithoutATask},
		{"a published port answers containers, of any network", c.publishedToContainers},
		{"the VIP of an overlay answers its containers, balanced", c.vip},
		{"a task that calls its own service gets an answer", c.hairpin},
		{"ping answers on a VIP", c.pingVIP},
		{"--endpoint-mode dnsrr is left alone", c.dnsrr},
		{"mode=host answers on the task's node only", c.hostMode},
		{"several ports, TCP and UDP", c.severalPorts},
		{"a service on several networks answers on each", c.severalNetworks},
		{"a global service", c.global},
		{"scale 1 to 6", c.scaleUp},
		{"scale 6 to 2", c.scaleDown},
		{"scale to zero is refused at once, not hung", c.scaleToZero},
		{"scale back from zero", c.scaleBack},
		{"a connection to a removed task ends at once", c.removedTask},
		{"requests under way survive scaling 2 to 5 to 1", c.scaleInFlight},
		{"requests under way survive a rolling update, start-first", c.updateStartFirst},
		{"an unhealthy task gets no requests", c.unhealthy},
		{"service update: a port more", c.portAdded},
		{"service update: a port less", c.portRemoved},
		{"drain", c.drain},
		{"rules that a learner flushes come back", c.flushed},
		{"dockerd restarts", c.dockerdRestarts},
		{"a learner's own log level: the mesh asks instead of listening", c.ownLogLevel},
		{"a service removed leaves nothing behind", c.removed},
		{"another leader", c.leaderChange},
		{"a node leaves", c.nodeLeaves},
		{"a node is killed", c.nodeKilled},
		{"leaving the swarm takes all rules along", c.lastLeaves},
	} {
		row := Row{Case: each.name, Result: "not run"}
		passed := t.Run(each.name, func(t *testing.T) {
			c.t = t
			for _, node := range c.Nodes {
				node.t = t
			}
			c.Swarm.t = t
			row.Result = "FAIL"
			row.Followed = each.do(t)
		})
		if passed && row.Result == "FAIL" {
			row.Result = "ok"
		}
		c.rows = append(c.rows, row)
		for _, node := range c.Nodes {
			node.t = t
		}
		c.Swarm.t, c.t = t, t
	}
}

func (c *meshCases) on(number int) *Node { return c.Nodes[number-1] }

// answers are the hosts that answer at url, asked on a node (or by prefix) as often as balancing needs to reach all.
func (c *meshCases) answers(node *Node, prefix, url string) []string {
	report, err := node.Load(prefix, "-count 18 -patience 1s "+url)
	if err != nil || len(report.Failures) > 0 {
		return []string{fmt.Sprint(err, report.Failures)}
	}
	return report.Names()
}

// follow waits until url gives exactly the running tasks of service wherever it is asked, and returns how long that took
// since the engine had them running.
func (c *meshCases) follow(service, url string, count int, nodes ...*Node) time.Duration {
	c.t.Helper()
	var running []string
	c.on(1).Eventually(30*time.Second, fmt.Sprintf("%s has %d tasks", service, count), func() bool {
		running = c.Running(service)
		return len(running) == count
	})
	return c.seen(running, url, nodes...)
}

// updated waits for the end of a rolling update.
func (c *meshCases) updated(service string) {
	c.t.Helper()
	c.on(1).Eventually(60*time.Second, "the update is done", func() bool {
		return c.Docker("service inspect --format '{{.UpdateStatus.State}}' "+service) == "completed"
	})
}

func (c *meshCases) seen(running []string, url string, nodes ...*Node) time.Duration {
	c.t.Helper()
	if len(nodes) == 0 {
		nodes = c.Nodes
	}
	began := time.Now()
	var last time.Duration
	for _, node := range nodes {
		var got []string
		for {
			if got = c.answers(node, "", url); slices.Equal(got, running) {
				break
			}
			if time.Since(began) > 15*time.Second {
				c.t.Fatalf("%s on %s: %v answer, %v run", url, node.name, got, running)
			}
		}
		last = time.Since(began)
	}
	return last
}

const local8080 = "http://127.0.0.1:8080/"

func (c *meshCases) publishedEverywhere(t *testing.T) time.Duration {
	c.Docker("service create -d --name web --publish 8080:80 --replicas 2 --update-order start-first --update-parallelism 1 " +
		"--stop-grace-period 10s --constraint node.hostname!=node3 meshtool:w")
	took := c.follow("web", local8080, 2)
	for _, from := range c.Nodes {
		for _, to := range c.Nodes {
			if got := c.answers(from, "", "http://"+c.Address[to]+":8080/"); len(got) != 2 {
				t.Errorf("from %s to %s: %v", from.name, to.name, got)
			}
		}
	}
	return took
}

func (c *meshCases) publishedWithoutATask(t *testing.T) time.Duration {
	if got := c.on(3).Must("docker ps -q --filter label=com.docker.swarm.service.name=web"); got != "" {
		t.Fatalf("node3 has a task: %s", got)
	}
	report, err := c.on(3).Load("", "-count 100 "+local8080)
	if err != nil || len(report.Failures) > 0 {
		t.Fatalf("%v, %v", err, report)
	}
	for name, count := range report.Answers {
		if count != 50 {
			t.Errorf("%s answered %d of 100", name, count)
		}
	}
	return 0
}

func (c *meshCases) publishedToContainers(t *testing.T) time.Duration {
	c.on(2).Must("docker run -d --name local meshtool:1")
	for _, container := range []string{"client", "local"} {
		for _, address := range []string{c.Address[c.on(2)], c.Address[c.on(3)]} {
			if got := c.answers(c.on(2), "docker exec "+container, "http://"+address+":8080/"); len(got) != 2 {
				t.Errorf("from %s to %s: %v", container, address, got)
			}
		}
	}
	c.on(2).Must("docker rm -f local")
	return 0
}

const client = "docker exec client"

func (c *meshCases) vip(t *testing.T) time.Duration {
	c.Docker("service create -d --name api --network front --replicas 3 meshtool:1")
	c.on(1).Eventually(20*time.Second, "api runs", func() bool { return len(c.Running("api")) == 3 })
	running := c.Running("api")
	return c.on(2).Eventually(10*time.Second, "all tasks of api answer", func() bool {
		return slices.Equal(c.answers(c.on(2), client, "http://api/"), running)
	})
}

func (c *meshCases) hairpin(t *testing.T) time.Duration {
	running := c.Running("api")
	for _, node := range c.Nodes {
		inside := "docker exec $(docker ps -q --filter label=com.docker.swarm.service.name=api)"
		if got := c.answers(node, inside, "http://api/"); !slices.Equal(got, running) {
			t.Errorf("on %s: %v, not %v", node.name, got, running)
		}
	}
	return 0
}

func (c *meshCases) pingVIP(t *testing.T) time.Duration {
	pid := c.on(2).Must("docker inspect --format '{{.State.Pid}}' client")
	vip := c.vipOf("api", "front")
	if out, err := c.on(2).Shell("nsenter --net=/proc/" + pid + "/ns/net ping -c 1 -W 1 " + vip); err != nil {
		t.Errorf("%s", out)
	}
	return 0
}

func (c *meshCases) vipOf(service, network string) string {
	id := c.Docker("network inspect --format '{{.Id}}' " + network)
	vip := c.Docker("service inspect --format '{{range .Endpoint.VirtualIPs}}{{if eq .NetworkID \"" + id + "\"}}{{.Addr}}{{end}}{{end}}' " + service)
	address, _, _ := strings.Cut(vip, "/")
	return address
}

func (c *meshCases) dnsrr(t *testing.T) time.Duration {
	c.Docker("service create -d --name round --network front --endpoint-mode dnsrr --replicas 2 meshtool:1")
	c.on(1).Eventually(20*time.Second, "round runs", func() bool { return len(c.Running("round")) == 2 })
	running := c.Running("round")
	took := c.on(2).Eventually(10*time.Second, "its tasks answer", func() bool {
		report, err := c.on(2).Load(client, "-count 40 http://round/")
		return err == nil && slices.Equal(report.Names(), running)
	})
	c.Docker("service rm round")
	return took
}

func (c *meshCases) hostMode(t *testing.T) time.Duration {
	c.Docker("service create -d --name direct --publish mode=host,published=8090,target=80 --constraint node.hostname==node2 meshtool:1")
	took := c.follow("direct", "http://"+c.Address[c.on(2)]+":8090/", 1)
	if report, err := c.on(3).Load("", "-count 1 http://127.0.0.1:8090/"); err != nil || len(report.Failures) != 1 || !strings.Contains(report.Failures[0], "refused") {
		t.Errorf("node3 without the task: %v, %+v", err, report)
	}
	c.Docker("service rm direct")
	return took
}

func (c *meshCases) severalPorts(t *testing.T) time.Duration {
	c.Docker("service create -d --name many --replicas 2 --publish 8081:80 --publish 8082:80 --publish 5300:80/udp meshtool:1")
	took := max(c.follow("many", "http://127.0.0.1:8081/", 2), c.follow("many", "http://127.0.0.1:8082/", 2))
	running := c.Running("many")
	for _, node := range c.Nodes {
		out := node.Must("meshtool udp " + c.Address[c.on(3)] + ":5300; meshtool udp 127.0.0.1:5300")
		for _, name := range running {
			if strings.Count(out, name) != 6 {
				t.Errorf("UDP on %s: %s", node.name, out)
			}
		}
	}
	// 5300 is UDP alone: TCP is somebody else's.
	if report, err := c.on(3).Load("", "-count 1 http://127.0.0.1:5300/"); err != nil || len(report.Failures) != 1 || !strings.Contains(report.Failures[0], "refused") {
		t.Errorf("TCP to a port published for UDP: %v, %+v", err, report)
	}
	c.Docker("service rm many")
	return took
}

func (c *meshCases) severalNetworks(t *testing.T) time.Duration {
	c.Docker("service create -d --name both --replicas 2 --network front --network back --publish 8083:80 meshtool:1")
	took := c.follow("both", "http://127.0.0.1:8083/", 2)
	running := c.Running("both")
	for _, network := range []string{"front", "back"} {
		c.on(2).Eventually(5*time.Second, "both answers on "+network, func() bool {
			return slices.Equal(c.answers(c.on(2), client, "http://"+c.vipOf("both", network)+"/"), running)
		})
	}
	c.Docker("service rm both")
	return took
}

func (c *meshCases) global(t *testing.T) time.Duration {
	c.Docker("service create -d --name everywhere --mode global --publish 8084:80 meshtool:1")
	took := c.follow("everywhere", "http://127.0.0.1:8084/", 3)
	c.Docker("service rm everywhere")
	return took
}

func (c *meshCases) scaleUp(t *testing.T) time.Duration {
	c.Docker("service scale -d api=6")
	c.on(1).Eventually(20*time.Second, "api runs six times", func() bool { return len(c.Running("api")) == 6 })
	running := c.Running("api")
	return c.on(2).Eventually(10*time.Second, "all six answer", func() bool {
		return slices.Equal(c.answers(c.on(2), client, "http://api/"), running)
	})
}

func (c *meshCases) scaleDown(t *testing.T) time.Duration {
	c.Docker("service scale -d api=2")
	c.on(1).Eventually(30*time.Second, "api runs twice", func() bool { return len(c.Running("api")) == 2 })
	running := c.Running("api")
	return c.on(2).Eventually(10*time.Second, "only two answer", func() bool {
		return slices.Equal(c.answers(c.on(2), client, "http://api/"), running)
	})
}

func (c *meshCases) scaleToZero(t *testing.T) time.Duration {
	c.Docker("service scale -d web=0")
	c.on(1).Eventually(30*time.Second, "web has no task", func() bool { return len(c.Running("web")) == 0 })
	began := time.Now()
	for _, node := range c.Nodes {
		node.Eventually(5*time.Second, "the port is refused", func() bool {
			report, err := node.Load("", "-count 1 "+local8080)
			return err == nil && len(report.Failures) == 1 && strings.Contains(report.Failures[0], "refused") && report.Max < 100
		})
	}
	return time.Since(began)
}

func (c *meshCases) scaleBack(t *testing.T) time.Duration {
	c.Docker("service scale -d web=2")
	return c.follow("web", local8080, 2)
}

func (c *meshCases) removedTask(t *testing.T) time.Duration {
	c.Docker("service create -d --name brittle --replicas 2 --publish 8085:80 --stop-signal SIGKILL meshtool:1")
	c.follow("brittle", "http://127.0.0.1:8085/", 2)
	held := make(chan string, 2)
	for range 2 {
		go func() {
			out, _ := c.on(3).Shell("meshtool hold 127.0.0.1:8085")
			held <- out
		}()
	}
	time.Sleep(500 * time.Millisecond)
	c.Docker("service rm brittle")
	began := time.Now()
	for range 2 {
		out := <-held
		// 2 s are Docker's own, before the signal.
		if lines := strings.Split(out, "\n"); len(lines) != 2 || strings.Contains(lines[1], "timeout") {
			t.Errorf("%s", out)
		}
	}
	return time.Since(began)
}

// under runs requests of 200 ms on a worker without a task while do does something, and expects that none fails.
func (c *meshCases) under(t *testing.T, node *Node, length time.Duration, do func()) {
	t.Helper()
	type result struct {
		Report
		err error
	}
	done := make(chan result, 1)
	go func() {
		report, err := node.Load("", fmt.Sprintf("-for %s -rate 30 -workers 30 -patience 10s '%s?ms=200'", length, local8080))
		done <- result{report, err}
	}()
	time.Sleep(500 * time.Millisecond)
	do()
	got := <-done
	t.Logf("%d requests, %d failures, %d tasks answered, slowest %.0f ms", got.Requests, len(got.Failures), len(got.Answers), got.Max)
	if got.err != nil || len(got.Failures) > 0 || got.Requests < 100 {
		t.Errorf("%v: %q", got.err, got.Failures)
	}
}

func (c *meshCases) scaleInFlight(t *testing.T) time.Duration {
	c.under(t, c.on(3), 22*time.Second, func() {
		c.Docker("service scale -d web=5")
		c.follow("web", local8080, 5)
		c.Docker("service scale -d web=1")
	})
	return c.follow("web", local8080, 1)
}

func (c *meshCases) updateStartFirst(t *testing.T) time.Duration {
	c.Docker("service scale -d web=2")
	c.follow("web", local8080, 2)
	c.under(t, c.on(3), 24*time.Second, func() { c.Docker("service update -d --image meshtool:2 web") })
	c.updated("web")
	took := c.follow("web", local8080, 2)
	report, err := c.on(3).Load("", "-count 10 "+local8080)
	if err != nil || strings.Contains(fmt.Sprint(report.Answers), "/1") {
		t.Errorf("%v: the old version answers: %v", err, report.Answers)
	}
	return took
}

func (c *meshCases) unhealthy(t *testing.T) time.Duration {
	c.under(t, c.on(3), 12*time.Second, func() {
		for _, node := range c.Nodes {
			if id, _ := node.Shell("docker ps -q --filter label=com.docker.swarm.service.name=web"); id != "" {
				node.Must("docker exec " + strings.Fields(id)[0] + " /meshtool sicken")
				return
			}
		}
	})
	c.on(1).Eventually(30*time.Second, "two healthy tasks", func() bool {
		healthy := 0
		for _, node := range c.Nodes {
			healthy += strings.Count(node.Must("docker ps --filter label=com.docker.swarm.service.name=web --filter health=healthy --format x"), "x")
		}
		return healthy == 2 && len(c.Running("web")) == 2
	})
	return c.follow("web", local8080, 2)
}

func (c *meshCases) portAdded(t *testing.T) time.Duration {
	c.under(t, c.on(3), 20*time.Second, func() { c.Docker("service update -d --publish-add 8086:81 web") })
	c.updated("web")
	return max(c.follow("web", "http://127.0.0.1:8086/", 2), c.follow("web", local8080, 2))
}

func (c *meshCases) portRemoved(t *testing.T) time.Duration {
	c.under(t, c.on(3), 20*time.Second, func() { c.Docker("service update -d --publish-rm 81 web") })
	c.updated("web")
	took := c.follow("web", local8080, 2)
	for _, node := range c.Nodes {
		node.Eventually(5*time.Second, "8086 is refused", func() bool {
			report, err := node.Load("", "-count 1 http://127.0.0.1:8086/")
			return err == nil && len(report.Failures) == 1 && strings.Contains(report.Failures[0], "refused")
		})
	}
	return took
}

func (c *meshCases) drain(t *testing.T) time.Duration {
	c.Docker("service update -d --constraint-rm node.hostname!=node3 --force --update-order stop-first web")
	c.updated("web")
	c.follow("web", local8080, 2)
	c.Docker("node update --availability drain node2")
	c.on(1).Eventually(30*time.Second, "node2 has no task", func() bool {
		return len(c.Running("web")) == 2 && c.on(2).Must("docker ps -q --filter label=com.docker.swarm.service.name=web") == ""
	})
	took := c.follow("web", local8080, 2)
	c.Docker("node update --availability active node2")
	return took
}

func (c *meshCases) flushed(t *testing.T) time.Duration {
	running := c.Running("web")
	c.on(3).Must("nft flush ruleset; nsenter --net=/run/docker/netns/ingress_sbox nft flush ruleset")
	took := c.seen(running, local8080, c.on(3))
	c.on(2).Must("iptables -F FORWARD; iptables -t nat -F; iptables -F SLIPWAY-MESH")
	return max(took, c.seen(running, "http://"+c.Address[c.on(2)]+":8080/", c.on(1), c.on(2)))
}

func (c *meshCases) dockerdRestarts(*testing.T) time.Duration {
	c.restartDockerd(c.on(3))
	return c.follow("web", local8080, 2)
}

func (c *meshCases) restartDockerd(node *Node) {
	c.t.Helper()
	before := node.Must("pidof dockerd")
	node.Must("kill " + before)
	node.Eventually(90*time.Second, "dockerd is back", func() bool {
		out, err := node.Shell("pidof dockerd; docker info --format '{{.Swarm.LocalNodeState}}'")
		return err == nil && strings.HasSuffix(out, "active") && !strings.HasPrefix(out, before+"\n")
	})
	c.on(1).Eventually(60*time.Second, "two tasks run", func() bool { return len(c.Running("web")) == 2 })
}

func (c *meshCases) ownLogLevel(*testing.T) time.Duration {
	c.on(3).Must(`mkdir -p /etc/docker && echo '{"log-level": "warn"}' > /etc/docker/daemon.json`)
	c.restartDockerd(c.on(3))
	c.follow("web", local8080, 2)
	c.Docker("service scale -d web=3")
	up := c.follow("web", local8080, 3, c.on(3))
	c.Docker("service scale -d web=2")
	down := c.follow("web", local8080, 2, c.on(3))
	c.on(3).Must("rm /etc/docker/daemon.json")
	c.restartDockerd(c.on(3))
	return max(up, down)
}

func (c *meshCases) removed(t *testing.T) time.Duration {
	vip := c.vipOf("api", "front")
	c.Docker("service rm api")
	c.on(1).Eventually(20*time.Second, "api's tasks have ended", func() bool { return len(c.Running("api")) == 0 })
	return c.on(2).Eventually(20*time.Second, "no rule and no address is left of api", func() bool {
		_, err := c.on(2).Shell("nsenter --net=$(ls -d /run/docker/netns/lb_$(docker network inspect --format '{{.Id}}' front | cut -c1-9)) " +
			"sh -c 'nft list ruleset; ip address' | grep -F " + vip)
		return err != nil
	})
}

func (c *meshCases) leaderChange(t *testing.T) time.Duration {
	c.Docker("node promote node2 node3")
	c.on(1).Eventually(20*time.Second, "three managers", func() bool {
		return strings.Count(c.Docker("node ls --format '{{.ManagerStatus}}'"), "Reachable") == 2
	})
	before := c.Manager()
	before.Must("docker node demote $(docker node inspect self --format '{{.Description.Hostname}}')")
	c.on(1).Eventually(30*time.Second, "another leader", func() bool {
		for _, node := range c.Nodes {
			if out, err := node.Shell("docker node inspect self --format '{{.ManagerStatus.Leader}}'"); err == nil && out == "true" && node != before {
				return true
			}
		}
		return false
	})
	c.Docker("service scale -d web=3")
	return c.follow("web", local8080, 3)
}

func (c *meshCases) nodeLeaves(t *testing.T) time.Duration {
	leaver := c.on(1) // demoted just now
	leaver.Must("docker swarm leave")
	c.on(1).Eventually(60*time.Second, "the others have three tasks", func() bool {
		return len(c.Running("web")) == 3 && leaver.Must("docker ps -q --filter label=com.docker.swarm.service.name=web") == ""
	})
	took := c.follow("web", local8080, 3, c.on(2), c.on(3))
	leaver.Eventually(5*time.Second, "the node that left has no rule", func() bool {
		out, _ := leaver.Shell("nft list ruleset 2>/dev/null | grep -c -i slipway.mesh")
		return out == "0"
	})
	return took
}

func (c *meshCases) nodeKilled(t *testing.T) time.Duration {
	token := c.Docker("swarm join-token -q worker")
	manager := c.Manager()
	c.on(1).Must("docker swarm join --token " + token + " " + c.Address[manager] + ":2377")
	c.Docker("service update -d --force web")
	c.on(1).Eventually(60*time.Second, "node1 has a task", func() bool {
		return c.on(1).Must("docker ps -q --filter label=com.docker.swarm.service.name=web") != "" && len(c.Running("web")) == 3
	})
	c.follow("web", local8080, 3)
	c.on(1).docker("kill", c.on(1).name)
	began := time.Now()
	c.on(2).Eventually(60*time.Second, "the engines know that node1 is gone", func() bool {
		return len(c.Running("web")) == 3 && !strings.Contains(c.on(2).Must("docker network inspect -v ingress"), c.Address[c.on(1)]+`"`)
	})
	t.Logf("the engines knew after %.1f s", time.Since(began).Seconds())
	return c.follow("web", local8080, 3, c.on(2), c.on(3))
}

func (c *meshCases) lastLeaves(t *testing.T) time.Duration {
	var longest time.Duration
	for _, node := range []*Node{c.on(2), c.on(3)} {
		node.Must("docker swarm leave --force")
		longest = max(longest, node.Eventually(10*time.Second, "no rule is left", func() bool {
			out, _ := node.Shell("(nft list ruleset; iptables -S) 2>/dev/null | grep -c -i slipway.mesh")
			return out == "0"
		}))
	}
	return longest
}
