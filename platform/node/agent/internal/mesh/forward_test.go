package mesh

import (
	"net/netip"
	"strings"
	"testing"
)

func TestOurChainStandsRightBehindTheLearnersOwn(t *testing.T) {
	gateway := netip.MustParsePrefix("172.18.0.2/16")
	chain := "-N SLIPWAY-MESH\n-A SLIPWAY-MESH -d 172.18.0.2/32 -m conntrack --ctstate DNAT -j ACCEPT\n-A SLIPWAY-MESH -s 172.18.0.2/32 -m conntrack --ctstate DNAT -j ACCEPT\n"
	for name, test := range map[string]struct {
		listing string
		gateway netip.Prefix
		want    string // a line of the script; "" for no script
	}{
		"nothing there":                 {"-P FORWARD ACCEPT\n", gateway, "-I FORWARD 1 -j SLIPWAY-MESH"},
		"behind DOCKER-USER":            {"-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n", gateway, "-I FORWARD 2 -j SLIPWAY-MESH"},
		"all is well":                   {chain + "-A FORWARD -j DOCKER-USER\n-A FORWARD -j SLIPWAY-MESH\n", gateway, ""},
		"the engine went in front":      {chain + "-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-ISOLATION-STAGE-1\n-A FORWARD -j SLIPWAY-MESH\n", gateway, "-D FORWARD -j SLIPWAY-MESH"},
		"the learner flushed the chain": {"-N SLIPWAY-MESH\n-A FORWARD -j SLIPWAY-MESH\n", gateway, "-I FORWARD 1 -j SLIPWAY-MESH"},
		"another gateway":               {chain + "-A FORWARD -j SLIPWAY-MESH\n", netip.MustParsePrefix("172.18.0.9/16"), "-A SLIPWAY-MESH -d 172.18.0.9/32 -m conntrack --ctstate DNAT -j ACCEPT"},
		"nothing is published any more": {chain + "-A FORWARD -j SLIPWAY-MESH\n", netip.Prefix{}, "-X SLIPWAY-MESH"},
		"nothing to remove":             {"-A FORWARD -j DOCKER-USER\n", netip.Prefix{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			script := forwardScript(test.listing, test.gateway)
			if (test.want == "") != (script == "") || !strings.Contains(script, test.want) {
				t.Errorf("%s", script)
			}
		})
	}
}
