package mesh

import (
	"net/netip"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func addrs(texts ...string) []netip.Addr {
	var found []netip.Addr
	for _, text := range texts {
		found = append(found, addr(text))
	}
	return found
}

func ingress(services ...Service) Cluster {
	return Cluster{
		Gateway: netip.MustParsePrefix("172.18.0.2/16"),
		Networks: []Network{{
			ID: "i", Sandbox: ingressSandbox, Ingress: true, Balancer: netip.MustParsePrefix("10.0.0.4/24"), Services: services,
		}},
	}
}

var (
	web1    = Task{one, addr("10.0.0.6")}
	web2    = Task{two, addr("10.0.0.7")}
	web80   = Port{8080, TCP}
	metrics = Port{9090, TCP}
)

func TestPublishedPortsAreBalancedOverTheTasksThatStay(t *testing.T) {
	both := Service{Name: "web", VIP: addr("10.0.0.5"), Ports: []Port{{Number: 8080}}, Tasks: []Task{web2, web1}}
	for name, test := range map[string]struct {
		services []Service
		hints    map[string]hint
		want     []Balance
	}{
		"no service": {nil, nil, nil},
		"two tasks":  {[]Service{both}, map[string]hint{one: {ports: []Port{web80}}, two: {ports: []Port{web80}}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.6", "10.0.0.7")}}},
		"nobody says the protocol": {[]Service{both}, nil, []Balance{
			{Port: web80, Tasks: addrs("10.0.0.6", "10.0.0.7")}, {Port: Port{8080, UDP}, Tasks: addrs("10.0.0.6", "10.0.0.7")},
		}},
		"one is leaving":        {[]Service{both}, map[string]hint{one: {ports: []Port{web80}, leaving: true}, two: {ports: []Port{web80}}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.7")}}},
		"both are leaving":      {[]Service{both}, map[string]hint{one: {ports: []Port{web80}, leaving: true}, two: {ports: []Port{web80}, leaving: true}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.6", "10.0.0.7")}}},
		"scaled to zero":        {[]Service{{Name: "web", VIP: addr("10.0.0.5"), Ports: []Port{{Number: 8080}}}}, nil, nil},
		"a port is being added": {[]Service{both}, map[string]hint{one: {ports: []Port{web80}}, two: {ports: []Port{web80, metrics}}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.6", "10.0.0.7")}, {Port: metrics, Tasks: addrs("10.0.0.7")}}},
		"a port is being removed, and its last task is leaving": {[]Service{both}, map[string]hint{one: {ports: []Port{web80, metrics}, leaving: true}, two: {ports: []Port{web80}}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.7")}, {Port: metrics, Tasks: addrs("10.0.0.6")}}},
		"two services": {[]Service{
			{Name: "web", Tasks: []Task{web1}}, {Name: "api", Tasks: []Task{web2}},
		}, map[string]hint{one: {ports: []Port{web80}}, two: {ports: []Port{metrics}}}, []Balance{{Port: web80, Tasks: addrs("10.0.0.6")}, {Port: metrics, Tasks: addrs("10.0.0.7")}}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := decide(ingress(test.services...), test.hints)
			if got := plan.Sandboxes[ingressSandbox].Balances; !reflect.DeepEqual(got, test.want) {
				t.Errorf("%v", got)
			}
			if len(plan.Host.Ports) != len(test.want) {
				t.Errorf("the node leads %v to the sandbox", plan.Host.Ports)
			}
		})
	}
}

func TestVIPsOfOverlaysAreBalancedAndThoseWithoutOneLeftAlone(t *testing.T) {
	cluster := Cluster{Networks: []Network{{ID: "f", Sandbox: "lb_f", Balancer: netip.MustParsePrefix("10.0.1.8/24"), Services: []Service{
		{Name: "dnsrr", Tasks: []Task{web1}},
		{Name: "api", VIP: addr("10.0.1.2"), Ports: []Port{{Number: 8080}}, Tasks: []Task{web2, web1}},
		{Name: "empty", VIP: addr("10.0.1.3")},
	}}}}
	plan := decide(cluster, nil)
	want := []Balance{{VIP: addr("10.0.1.2"), Tasks: addrs("10.0.0.6", "10.0.0.7")}}
	if got := plan.Sandboxes["lb_f"].Balances; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if len(plan.Host.Ports) != 0 {
		t.Errorf("ports of an overlay were published: %v", plan.Host.Ports)
	}
}

func TestWithoutAnIngressSandboxTheNodePublishesNothing(t *testing.T) {
	cluster := ingress(Service{Name: "web", Ports: []Port{{Number: 8080}}, Tasks: []Task{web1}})
	cluster.Gateway = netip.Prefix{}
	if plan := decide(cluster, nil); plan.Host.script() != removal {
		t.Errorf("%s", plan.Host.script())
	}
}

func TestRulesAreOneTransactionThatNftUnderstands(t *testing.T) {
	plan := decide(ingress(Service{Name: "web", Ports: []Port{{Number: 8080}}, Tasks: []Task{web1, web2}}), nil)
	overlay := Rules{Balancer: netip.MustParsePrefix("10.0.1.8/24"), Balances: []Balance{{VIP: addr("10.0.1.2"), Tasks: addrs("10.0.1.3")}}}
	for name, script := range map[string]string{"ingress": plan.Sandboxes[ingressSandbox].script(), "host": plan.Host.script(), "overlay": overlay.script(), "none": Rules{}.script()} {
		if !strings.HasPrefix(script, removal) {
			t.Errorf("%s does not replace what was there", name)
		}
		if exec.Command("unshare", "--net", "nft", "list", "tables").Run() != nil {
			continue // no nft, or not root
		}
		check := exec.Command("unshare", "--net", "nft", "--check", "--file", "-")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s\n%s", name, err, out, script)
		}
	}
}

func TestTheSameClusterInAnotherOrderGivesTheSameRules(t *testing.T) {
	first := ingress(Service{Name: "web", Ports: []Port{{Number: 8080}, {Number: 9090}}, Tasks: []Task{web1, web2}})
	second := ingress(Service{Name: "web", Ports: []Port{{Number: 9090}, {Number: 8080}}, Tasks: []Task{web2, web1}})
	if a, b := decide(first, nil), decide(second, nil); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}
