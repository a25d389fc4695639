package mesh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"slipway.dev/node/internal/engine"
)

// fakeKernel counts what it is told; its namespaces' packet filters are scripts.
type fakeKernel struct {
	sandboxes   []Sandbox
	ipvs        bool
	refuses     bool
	scripts     map[string]string
	generations map[string]uint32
	installs    int
	refused     []netip.Addr
}

func newFakeKernel(names ...string) *fakeKernel {
	k := &fakeKernel{scripts: make(map[string]string), generations: make(map[string]uint32)}
	for n, name := range names {
		k.sandboxes = append(k.sandboxes, Sandbox{name, uint64(n + 1)})
	}
	return k
}

func (k *fakeKernel) Sandboxes() []Sandbox                  { return k.sandboxes }
func (k *fakeKernel) BalancesItself(Sandbox) bool           { return k.ipvs }
func (k *fakeKernel) Generation(in Sandbox) (uint32, error) { return k.generations[in.Name], nil }

func (k *fakeKernel) write(name, script string) error {
	if k.refuses {
		return errors.New("no")
	}
	k.installs++
	k.generations[name]++
	if k.scripts[name] = script; script == removal {
		delete(k.scripts, name)
	}
	return nil
}

func (k *fakeKernel) Install(_ context.Context, in Sandbox, rules Rules) error {
	return k.write(in.Name, rules.script())
}

func (k *fakeKernel) InstallHost(_ context.Context, rules HostRules) error {
	return k.write("", rules.script())
}

func (k *fakeKernel) Refuse(_ Sandbox, gone []netip.Addr) error {
	k.refused = append(k.refused, gone...)
	return nil
}

// swarm is an engine with one service "web" that publishes 8080 and has tasks with these addresses.
func swarm(tasks ...string) cannedEngine {
	var listed []string
	for n, task := range tasks {
		listed = append(listed, fmt.Sprintf(`{"EndpointID": "%064d", "EndpointIP": %q}`, n, task))
	}
	service := `"web": {"VIP": "10.0.0.5", "Ports": ["Target: 80, Publish: 8080"], "Tasks": [` + strings.Join(listed, ",") + `]}`
	if len(tasks) == 0 {
		service = ""
	}
	return cannedEngine{
		"/networks?filters=":        `[{"Id": "` + ingressID + `", "Ingress": true}]`,
		"/networks/" + ingressID:    `{"Containers": {"ingress-sbox": {"IPv4Address": "10.0.0.4/24"}}, "Services": {` + service + `}}`,
		"/networks/docker_gwbridge": `{"Containers": {"ingress-sbox": {"IPv4Address": "172.18.0.2/16"}}}`,
	}
}

func TestRulesFollowTheTasksAndGoneOnesAreRefused(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6", "10.0.0.7"), k)
	m.round(context.Background(), true)
	if got := k.scripts[ingressSandbox]; !strings.Contains(got, "0 : 10.0.0.6, 1 : 10.0.0.7") || m.State() != Repaired {
		t.Errorf("%s: %s", m.State(), got)
	}
	if got := k.scripts[""]; !strings.Contains(got, "tcp dport 8080 dnat to 172.18.0.2") {
		t.Errorf("%s", got)
	}
	m.engine = swarm("10.0.0.7")
	m.round(context.Background(), true)
	if got := k.scripts[ingressSandbox]; strings.Contains(got, "10.0.0.6") || !reflect.DeepEqual(k.refused, addrs("10.0.0.6")) {
		t.Errorf("refused %v: %s", k.refused, got)
	}
	m.engine = swarm()
	m.round(context.Background(), true)
	if len(k.scripts) != 0 {
		t.Errorf("after the last task there is still %v", k.scripts)
	}
}

func TestNothingIsWrittenTwiceButWhatWasFlushedIsWrittenAgain(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	for range 5 {
		m.round(context.Background(), true)
	}
	if k.installs != 2 {
		t.Errorf("written %d times", k.installs)
	}
	delete(k.scripts, "")
	k.generations[""]++ // nft flush ruleset
	m.round(context.Background(), false)
	if k.scripts[""] == "" || k.installs != 3 {
		t.Errorf("%d times, now %v", k.installs, k.scripts)
	}
}

func TestANewSandboxOfTheSameNameGetsItsRules(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	m.round(context.Background(), true)
	delete(k.scripts, ingressSandbox)
	k.sandboxes[0].Inode = 99 // dockerd was started anew
	m.round(context.Background(), false)
	if k.scripts[ingressSandbox] == "" {
		t.Error("it has none")
	}
}

func TestTheMeshStandsAsideWhereIPVSWorksAndTakesItsRulesAlong(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	k.ipvs = true
	m.round(context.Background(), true)
	if k.installs != 0 || m.State() != IPVS {
		t.Errorf("%s: %v", m.State(), k.scripts)
	}
	k.ipvs = false
	m.round(context.Background(), true)
	k.ipvs = true
	m.round(context.Background(), true)
	if len(k.scripts) != 0 {
		t.Errorf("%v", k.scripts)
	}
}

func TestLeavingTheSwarmTakesTheRulesAway(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	m.round(context.Background(), true)
	k.sandboxes = nil
	delete(k.scripts, ingressSandbox)
	m.round(context.Background(), false)
	if len(k.scripts) != 0 || m.State() != Off {
		t.Errorf("%s: %v", m.State(), k.scripts)
	}
}

func TestOutsideASwarmTheEngineIsNotAsked(t *testing.T) {
	m := newMesh(unaskable{t}, newFakeKernel())
	m.round(context.Background(), true)
	if m.State() != Off {
		t.Error(m.State())
	}
}

type unaskable struct{ t *testing.T }

func (u unaskable) Call(context.Context, string, string, json.RawMessage) (engine.Answer, error) {
	u.t.Error("it was asked")
	return engine.Answer{}, errors.New("no")
}

func TestTheLastRulesStayWhileTheEngineIsAway(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	m.round(context.Background(), true)
	m.engine = cannedEngine{}
	m.round(context.Background(), true)
	if len(k.scripts) != 2 || len(k.refused) != 0 {
		t.Errorf("%v, refused %v", k.scripts, k.refused)
	}
}

func TestARefusedChangeIsTriedAgain(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6"), k)
	k.refuses = true
	m.round(context.Background(), true)
	k.refuses = false
	m.round(context.Background(), false)
	if len(k.scripts) != 2 {
		t.Errorf("%v", k.scripts)
	}
}

func TestATaskOnItsWayOutGetsNoNewConnectionsButKeepsItsOwn(t *testing.T) {
	k := newFakeKernel(ingressSandbox)
	m := newMesh(swarm("10.0.0.6", "10.0.0.7"), k)
	m.round(context.Background(), true)
	m.DockerdSaid(tableEvent("UPD", fmt.Sprintf("%064d", 0), "true"))
	m.round(context.Background(), true)
	if got := k.scripts[ingressSandbox]; strings.Contains(got, "10.0.0.6") || len(k.refused) != 0 {
		t.Errorf("refused %v: %s", k.refused, got)
	}
}
