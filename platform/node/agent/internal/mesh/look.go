package mesh

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"slipway.dev/node/internal/engine"
)

const (
	gatewayNetwork = "docker_gwbridge"
	ingressSandbox = "ingress_sbox"
	balancerPrefix = "lb_"
	// shortID is how much of a network's id its namespace bears.
	shortID = 9

	maxNetworks = 200
	maxServices = 500
	maxTasks    = 2000
	maxPorts    = 100
)

// Engine is the node's Docker Engine, an *engine.Client.
type Engine interface {
	Call(ctx context.Context, method, path string, body json.RawMessage) (engine.Answer, error)
}

var (
	validNetworkID = regexp.MustCompile(`^[a-z0-9]{25}$`)
	validEndpoint  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	publishedPort  = regexp.MustCompile(`^Target: \d{1,5}, Publish: (\d{1,5})$`)
)

// askEngine reads what the engine knows, from the gossip between all engines of the swarm too, about the networks that have a
// load balancer's namespace among sandboxes. The learner may have replaced the engine: what does not look as it should
// is left out.
func askEngine(ctx context.Context, from Engine, sandboxes []string) (Cluster, error) {
	var found []struct {
		ID      string `json:"Id"`
		Ingress bool
	}
	overlays := "/networks?filters=" + url.QueryEscape(`{"driver":["overlay"],"scope":["swarm"]}`)
	if err := get(ctx, from, overlays, &found); err != nil {
		return Cluster{}, err
	}
	var cluster Cluster
	for _, each := range found[:min(len(found), maxNetworks)] {
		if !validNetworkID.MatchString(each.ID) {
			continue
		}
		sandbox := balancerPrefix + each.ID[:shortID]
		if each.Ingress {
			sandbox = ingressSandbox
		}
		if !slices.Contains(sandboxes, sandbox) {
			continue
		}
		network, err := askNetwork(ctx, from, each.ID)
		if err != nil {
			return Cluster{}, err
		}
		network.Sandbox, network.Ingress = sandbox, each.Ingress
		if network.Balancer.IsValid() {
			cluster.Networks = append(cluster.Networks, network)
		}
		if each.Ingress {
			if cluster.Gateway, err = askGateway(ctx, from); err != nil {
				return Cluster{}, err
			}
		}
	}
	return cluster, nil
}

type inspectedNetwork struct {
	Containers map[string]struct{ Name, IPv4Address string }
	Services   map[string]inspectedService
}

type inspectedService struct {
	VIP   string
	Ports []string
	Tasks []struct{ EndpointID, EndpointIP string }
}

func askNetwork(ctx context.Context, from Engine, id string) (Network, error) {
	var said inspectedNetwork
	if err := get(ctx, from, "/networks/"+id+"?verbose=true", &said); err != nil {
		return Network{}, err
	}
	network := Network{ID: id}
	for key, container := range said.Containers {
		// Docker calls the load balancer's sandbox lb-NETWORK, that of the ingress network ingress-sbox; containers have hex ids.
		if key == "ingress-sbox" || len(key) > 3 && key[:3] == "lb-" {
			network.Balancer = ipv4Prefix(container.IPv4Address)
		}
	}
	for name, service := range said.Services {
		if name == "" || len(network.Services) >= maxServices { // "" holds containers and balancers, which are nobody's tasks
			continue
		}
		network.Services = append(network.Services, service.parse(name))
	}
	slices.SortFunc(network.Services, func(a, b Service) int { return a.VIP.Compare(b.VIP) })
	return network, nil
}

func (s inspectedService) parse(name string) Service {
	service := Service{Name: name, VIP: ipv4(s.VIP)}
	for _, each := range s.Ports[:min(len(s.Ports), maxPorts)] {
		if parts := publishedPort.FindStringSubmatch(each); parts != nil {
			if number, err := strconv.ParseUint(parts[1], 10, 16); err == nil && number > 0 {
				service.Ports = append(service.Ports, Port{Number: uint16(number)})
			}
		}
	}
	for _, each := range s.Tasks[:min(len(s.Tasks), maxTasks)] {
		if address := ipv4(each.EndpointIP); address.IsValid() && validEndpoint.MatchString(each.EndpointID) {
			service.Tasks = append(service.Tasks, Task{Endpoint: each.EndpointID, Address: address})
		}
	}
	return service
}

func askGateway(ctx context.Context, from Engine) (netip.Prefix, error) {
	var said inspectedNetwork
	if err := get(ctx, from, "/networks/"+gatewayNetwork, &said); err != nil {
		return netip.Prefix{}, err
	}
	return ipv4Prefix(said.Containers["ingress-sbox"].IPv4Address), nil
}

func get(ctx context.Context, from Engine, path string, into any) error {
	answer, err := from.Call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK || answer.Truncated {
		return fmt.Errorf("the engine answered %d to %s", answer.Status, path)
	}
	return json.Unmarshal(answer.Body, into)
}

// ipv4 gives the zero Addr for anything but a usable IPv4 address.
func ipv4(text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() || !address.IsGlobalUnicast() {
		return netip.Addr{}
	}
	return address
}

func ipv4Prefix(text string) netip.Prefix {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !ipv4(prefix.Addr().String()).IsValid() {
		return netip.Prefix{}
	}
	return prefix
}
