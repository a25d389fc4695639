package mesh

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	// table holds all our rules, apart from the engine's and the learner's: one word to see or remove them.
	table = "slipway_mesh"
	// before is the priority of our NAT: ahead of the engine's own, which would count a packet as settled.
	before = "dstnat - 5"
	after  = "srcnat - 5"
)

// script is one atomic transaction for `nft -f` that replaces all our rules of a namespace. Only numbers and addresses
// that were parsed go into it.
func (r Rules) script() string {
	if len(r.Balances) == 0 {
		return removal
	}
	var out strings.Builder
	begin(&out)
	fmt.Fprintf(&out, "\tchain prerouting {\n\t\ttype nat hook prerouting priority %s; policy accept;\n", before)
	for _, balance := range r.Balances {
		fmt.Fprintf(&out, "\t\t%s dnat to %s\n", balance.match(), spread(balance.Tasks))
	}
	out.WriteString("\t}\n")
	fmt.Fprintf(&out, "\tchain postrouting {\n\t\ttype nat hook postrouting priority %s; policy accept;\n", after)
	fmt.Fprintf(&out, "\t\tip daddr %s ct status dnat snat to %s\n\t}\n", r.Balancer.Masked(), r.Balancer.Addr())
	// A VIP that has gone is still in its clients' neighbour caches: refuse at once what they send.
	out.WriteString("\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n" +
		"\t\tct status dnat accept\n\t\tmeta l4proto tcp reject with tcp reset\n\t\treject\n\t}\n}\n")
	return out.String()
}

// script is the same for the node itself.
func (h HostRules) script() string {
	if len(h.Ports) == 0 {
		return removal
	}
	var out strings.Builder
	begin(&out)
	for _, hook := range []string{"prerouting", "output"} {
		fmt.Fprintf(&out, "\tchain %s {\n\t\ttype nat hook %s priority %s; policy accept;\n", hook, hook, before)
		for _, port := range h.Ports {
			fmt.Fprintf(&out, "\t\tfib daddr type local %s dport %d dnat to %s\n", port.Protocol, port.Number, h.Gateway.Addr())
		}
		out.WriteString("\t}\n")
	}
	// 127.0.0.1, and any of the node's own addresses, would not find back from the sandbox.
	fmt.Fprintf(&out, "\tchain postrouting {\n\t\ttype nat hook postrouting priority %s; policy accept;\n", after)
	fmt.Fprintf(&out, "\t\tip daddr %s ct status dnat fib saddr type local masquerade\n", h.Gateway.Addr())
	fmt.Fprintf(&out, "\t\tip daddr %s ct status dnat ip saddr %s masquerade\n\t}\n}\n", h.Gateway.Addr(), h.Gateway.Masked())
	return out.String()
}

// removal works whether the table is there or not.
const removal = "table ip " + table + "\ndelete table ip " + table + "\n"

func begin(out *strings.Builder) { out.WriteString(removal + "table ip " + table + " {\n") }

func (b Balance) match() string {
	if b.VIP.IsValid() {
		// ping is answered by the VIP itself, as ever.
		return fmt.Sprintf("ip daddr %s meta l4proto { tcp, udp, sctp }", b.VIP)
	}
	// The task's own namespace turns the published port into its target.
	return fmt.Sprintf("%s dport %d", b.Port.Protocol, b.Port.Number)
}

// spread takes turns: each new connection goes to the next task, an old one stays with its own.
func spread(tasks []netip.Addr) string {
	if len(tasks) == 1 {
		return tasks[0].String()
	}
	turns := make([]string, len(tasks))
	for turn, task := range tasks {
		turns[turn] = fmt.Sprintf("%d : %s", turn, task)
	}
	return fmt.Sprintf("numgen inc mod %d map { %s }", len(tasks), strings.Join(turns, ", "))
}

func (r Rules) vips() []netip.Addr {
	var vips []netip.Addr
	for _, balance := range r.Balances {
		if balance.VIP.IsValid() {
			vips = append(vips, balance.VIP)
		}
	}
	return vips
}
