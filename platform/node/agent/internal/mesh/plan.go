package mesh

import (
	"net/netip"
	"slices"
)

// Balance spreads the connections to one port, or to one VIP where Port is zero, over tasks.
type Balance struct {
	VIP   netip.Addr
	Port  Port
	Tasks []netip.Addr
}

// Rules is all that one load balancer's namespace should do. Listed has every task the swarm knows, those on their way
// out too: connections to any other address lead nowhere.
type Rules struct {
	Balancer netip.Prefix
	Balances []Balance
	Listed   []netip.Addr
}

// HostRules leads published ports of the node to the ingress sandbox.
type HostRules struct {
	Gateway netip.Prefix
	Ports   []Port
}

// Plan is the wanted set of rules of one node: of the node itself and of each namespace, by name.
type Plan struct {
	Host      HostRules
	Sandboxes map[string]Rules
}

// decide makes the plan. It is pure: what it is given in another order gives the same.
func decide(cluster Cluster, hints map[string]hint) Plan {
	plan := Plan{Sandboxes: make(map[string]Rules)}
	for _, network := range cluster.Networks {
		rules := Rules{Balancer: network.Balancer}
		ports := make(map[Port][]netip.Addr)
		for _, service := range network.Services {
			for _, task := range service.Tasks {
				rules.Listed = append(rules.Listed, task.Address)
			}
			if network.Ingress {
				service.publish(ports, hints)
			} else if tasks := addresses(service.balanced(hints)); service.VIP.IsValid() && len(tasks) > 0 {
				rules.Balances = append(rules.Balances, Balance{VIP: service.VIP, Tasks: tasks})
			}
		}
		for port, tasks := range ports {
			slices.SortFunc(tasks, netip.Addr.Compare)
			rules.Balances = append(rules.Balances, Balance{Port: port, Tasks: slices.Compact(tasks)})
			plan.Host.Ports = append(plan.Host.Ports, port)
		}
		slices.SortFunc(rules.Listed, netip.Addr.Compare)
		slices.SortFunc(rules.Balances, func(a, b Balance) int {
			if byVIP := a.VIP.Compare(b.VIP); byVIP != 0 {
				return byVIP
			}
			return comparePorts(a.Port, b.Port)
		})
		plan.Sandboxes[network.Sandbox] = rules
	}
	slices.SortFunc(plan.Host.Ports, comparePorts)
	if plan.Host.Gateway = cluster.Gateway; !cluster.Gateway.IsValid() {
		plan.Host.Ports = nil
	}
	return plan
}

// balanced leaves out the tasks on their way out, which get two seconds without new connections before their signal.
// When there are no others they are better than nobody.
func (s Service) balanced(hints map[string]hint) []Task {
	staying := slices.DeleteFunc(slices.Clone(s.Tasks), func(task Task) bool { return hints[task.Endpoint].leaving })
	if len(staying) == 0 {
		return s.Tasks
	}
	return staying
}

// publish adds the service's tasks to each port they answer on. During an update of ports these differ, and each port
// must keep its tasks even when those that stay do not have it: so leaving ones count port by port.
func (s Service) publish(ports map[Port][]netip.Addr, hints map[string]hint) {
	tasks := make(map[Port]Service)
	for _, task := range s.Tasks {
		for _, port := range s.portsOf(task, hints) {
			one := tasks[port]
			one.Tasks = append(one.Tasks, task)
			tasks[port] = one
		}
	}
	for port, one := range tasks {
		ports[port] = append(ports[port], addresses(one.balanced(hints))...)
	}
}

// portsOf is what was said of this very task, or what the API says of one of the service's tasks, without protocol.
func (s Service) portsOf(task Task, hints map[string]hint) []Port {
	if said := hints[task.Endpoint].ports; said != nil {
		return said
	}
	var both []Port
	for _, port := range s.Ports {
		both = append(both, Port{port.Number, TCP}, Port{port.Number, UDP})
	}
	slices.SortFunc(both, comparePorts)
	return slices.Compact(both)
}

func addresses(tasks []Task) []netip.Addr {
	var found []netip.Addr
	for _, task := range tasks {
		found = append(found, task.Address)
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return slices.Compact(found)
}
