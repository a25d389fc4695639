package mesh

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// forwardChain lets published ports pass the engine's own filter, which keeps bridges apart. An accept of a table of ours
// could not: a packet must be accepted by all of them.
const forwardChain = "SLIPWAY-MESH"

const (
	forwardJump = "-A FORWARD -j " + forwardChain
	userJump    = "-A FORWARD -j DOCKER-USER"
)

// forwardScript gives the transaction for `iptables-restore --noflush` that turns the filter table, as `iptables -S`
// lists it, into one with our chain, or without it when gateway is not valid; "" where there is nothing to do. The
// learner's own DOCKER-USER comes first, as before the engine's DOCKER-INGRESS.
func forwardScript(listing string, gateway netip.Prefix) string {
	var jumps, ours []string
	exists := false
	for line := range strings.Lines(listing) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "-A FORWARD "):
			jumps = append(jumps, line)
		case strings.HasPrefix(line, "-A "+forwardChain+" "):
			ours = append(ours, line)
		case line == "-N "+forwardChain:
			exists = true
		}
	}
	present := 0
	for _, jump := range jumps {
		if jump == forwardJump {
			present++
		}
	}
	var out strings.Builder
	out.WriteString("*filter\n")
	drop := strings.Repeat("-D FORWARD -j "+forwardChain+"\n", present)
	if !gateway.IsValid() {
		if !exists {
			return ""
		}
		// Declared, it is empty, and may be removed.
		fmt.Fprintf(&out, ":%s - [0:0]\n%s-X %s\nCOMMIT\n", forwardChain, drop, forwardChain)
		return out.String()
	}
	place := 0
	if others := slices.DeleteFunc(slices.Clone(jumps), func(jump string) bool { return jump == forwardJump }); len(others) > 0 && others[0] == userJump {
		place = 1
	}
	wanted := []string{
		fmt.Sprintf("-A %s -d %s/32 -m conntrack --ctstate DNAT -j ACCEPT", forwardChain, gateway.Addr()),
		fmt.Sprintf("-A %s -s %s/32 -m conntrack --ctstate DNAT -j ACCEPT", forwardChain, gateway.Addr()),
	}
	if present == 1 && slices.Index(jumps, forwardJump) == place && slices.Equal(ours, wanted) {
		return ""
	}
	fmt.Fprintf(&out, ":%s - [0:0]\n%s\n%s-I FORWARD %d -j %s\nCOMMIT\n", forwardChain, strings.Join(wanted, "\n"), drop, place+1, forwardChain)
	return out.String()
}
