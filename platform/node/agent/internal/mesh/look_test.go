package mesh

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"slipway.dev/node/internal/engine"
)

// cannedEngine answers paths by their beginnings, 404 where there is none.
type cannedEngine map[string]string

func (c cannedEngine) Call(_ context.Context, method, path string, _ json.RawMessage) (engine.Answer, error) {
	if method != "GET" {
		return engine.Answer{}, errors.New("only questions are asked")
	}
	for beginning, body := range c {
		if strings.HasPrefix(path, beginning) {
			return engine.Answer{Status: 200, Body: json.RawMessage(body)}, nil
		}
	}
	return engine.Answer{Status: 404, Body: json.RawMessage(`{"message": "no"}`)}, nil
}

const (
	ingressID = "el9tor9fdnugg7a6casnfm7cm"
	frontID   = "u6uj3efvlnufyfueeqcdyn71t"
)

// recorded is what a worker's dockerd 26.1 answered.
func recorded(t *testing.T) cannedEngine {
	t.Helper()
	answer := func(name string) string {
		content, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	return cannedEngine{
		"/networks?filters=":        `[{"Id": "` + ingressID + `", "Ingress": true}, {"Id": "` + frontID + `"}, {"Id": "zzzzzzzzzzzzzzzzzzzzzzzzz"}, {"Id": "../../x"}]`,
		"/networks/" + ingressID:    answer("ingress"),
		"/networks/" + frontID:      answer("front"),
		"/networks/docker_gwbridge": answer("gwbridge"),
	}
}

func TestWhatAWorkersEngineSaysIsUnderstood(t *testing.T) {
	cluster, err := askEngine(context.Background(), recorded(t), []string{"ingress_sbox", "lb_u6uj3efvl"})
	if err != nil {
		t.Fatal(err)
	}
	if cluster.Gateway.String() != "172.18.0.2/16" || len(cluster.Networks) != 2 {
		t.Fatalf("%+v", cluster)
	}
	in, front := cluster.Networks[0], cluster.Networks[1]
	if !in.Ingress || in.Balancer.String() != "10.0.0.4/24" || len(in.Services) != 1 || in.Services[0].VIP != addr("10.0.0.5") {
		t.Errorf("%+v", in)
	}
	if ports := in.Services[0].Ports; !reflect.DeepEqual(ports, []Port{{Number: 8080}}) {
		t.Errorf("%v", ports)
	}
	if front.Sandbox != "lb_u6uj3efvl" || front.Balancer.String() != "10.0.1.6/24" || len(front.Services) != 1 || len(front.Services[0].Tasks) != 3 {
		t.Errorf("%+v", front)
	}
}

func TestNetworksWithoutASandboxHereAreNotAskedFor(t *testing.T) {
	from := recorded(t)
	delete(from, "/networks/"+frontID)
	cluster, err := askEngine(context.Background(), from, []string{"ingress_sbox"})
	if err != nil || len(cluster.Networks) != 1 {
		t.Errorf("%+v, %v", cluster, err)
	}
}

func TestALyingEngineGetsNothingIntoARule(t *testing.T) {
	evil := "1.2.3.4; flush ruleset"
	from := cannedEngine{
		"/networks?filters=": `[{"Id": "` + ingressID + `", "Ingress": true}]`,
		"/networks/" + ingressID: `{"Containers": {"ingress-sbox": {"IPv4Address": "10.0.0.4/24"}}, "Services": {
			"a": {"VIP": "` + evil + `", "Ports": ["Target: 80, Publish: 99999", "Target: 80, Publish: 0", "Publish: 80 }", "Target: 80, Publish: 81"],
			      "Tasks": [{"EndpointID": "` + one + `", "EndpointIP": "` + evil + `"}, {"EndpointID": "x", "EndpointIP": "10.0.0.9"},
			                {"EndpointID": "` + two + `", "EndpointIP": "fe80::1%eth0"}, {"EndpointID": "` + two + `", "EndpointIP": "127.0.0.1"},
			                {"EndpointID": "` + two + `", "EndpointIP": "10.0.0.7"}]}}}`,
		"/networks/docker_gwbridge": `{"Containers": {"ingress-sbox": {"IPv4Address": "172.18.0.2/16"}}}`,
	}
	cluster, err := askEngine(context.Background(), from, []string{"ingress_sbox"})
	if err != nil {
		t.Fatal(err)
	}
	plan := decide(cluster, nil)
	want := []Balance{{Port: Port{81, TCP}, Tasks: addrs("10.0.0.7")}, {Port: Port{81, UDP}, Tasks: addrs("10.0.0.7")}}
	if got := plan.Sandboxes[ingressSandbox].Balances; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestAnEngineThatAnswersNonsenseIsAnError(t *testing.T) {
	for _, body := range []string{`{}`, `"down"`, `[{"Id": 7}]`} {
		if _, err := askEngine(context.Background(), cannedEngine{"/networks": body}, []string{"ingress_sbox"}); err == nil {
			t.Errorf("%s was taken for an answer", body)
		}
	}
	if _, err := askEngine(context.Background(), cannedEngine{}, nil); err == nil {
		t.Error("404 was taken for an answer")
	}
}
