package mesh

import (
	"cmp"
	"net/netip"
)

// Protocol is a transport protocol, written as nft does.
type Protocol string

// The protocols that Swarm publishes.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// Port is one port published on every node. Protocol is "" where nobody says it; then both TCP and UDP are meant.
type Port struct {
	Number   uint16
	Protocol Protocol
}

func comparePorts(a, b Port) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Protocol, b.Protocol))
}

// Task is one task's address on one network. Endpoint is libnetwork's id of it, the same on all nodes.
type Task struct {
	Endpoint string
	Address  netip.Addr
}

// Service is one service on one network. VIP is not valid where clients choose by DNS (dnsrr).
type Service struct {
	Name  string
	VIP   netip.Addr
	Ports []Port
	Tasks []Task
}

// Network is one overlay network with a load balancer on this node: Sandbox is its namespace's name, Balancer the
// address that tasks see as their client's.
type Network struct {
	ID       string
	Sandbox  string
	Ingress  bool
	Balancer netip.Prefix
	Services []Service
}

// Cluster is what this node's engine says about all services of the swarm. Gateway is where the node reaches the
// ingress sandbox, not valid when there is none.
type Cluster struct {
	Networks []Network
	Gateway  netip.Prefix
}
