package mesh

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	one = "1111111111111111111111111111111111111111111111111111111111111111"
	two = "2222222222222222222222222222222222222222222222222222222222222222"
)

// said is a line as dockerd 26 prints it.
func said(message string) []byte {
	return []byte(`time="2026-11-24T20:32:25.267851763Z" level=debug msg="` + message + "\"\n")
}

func tableEvent(what, endpoint, leaving string) []byte {
	return said("handleEpTableEvent " + what + " " + endpoint + " R:{web.3.2f5h4kisulhg0kf6cynfsmc5p web utyrlmpp6l58pp0mljz9ymuz8 10.0.0.5 10.0.0.8 " +
		"[&PortConfig{Name:,Protocol:TCP,TargetPort:80,PublishedPort:8080,}] [] [7c28fa863d6b] " + leaving + "}")
}

func binding(what, from, endpoint, ports string) []byte {
	return said(what + "ServiceBinding from " + from + " START for shop_web " + endpoint + " p:0xc0014b6280 nid:el9tor9fdnugg7a6casnfm7cm " +
		map[string]string{"add": "skey", "rm": "sKey"}[what] + ":{utyrlmpp6l58pp0mljz9ymuz8 " + ports + "}")
}

func TestDockerdsWordsTellWhoIsLeavingAndWhichPortsATaskHas(t *testing.T) {
	ports := "8080:80/TCP,53:5353/UDP"
	for name, test := range map[string]struct {
		lines   [][]byte
		leaving bool
		ports   int
	}{
		"a remote task that comes":                             {[][]byte{tableEvent("ADD", one, "false"), binding("add", "handleEpTableEvent", one, ports)}, false, 2},
		"a remote task that was leaving when this node joined": {[][]byte{tableEvent("ADD", one, "true"), binding("add", "handleEpTableEvent", one, ports)}, true, 2},
		"a remote task that is about to stop":                  {[][]byte{tableEvent("ADD", one, "false"), tableEvent("UPD", one, "true"), binding("rm", "handleEpTableEvent", one, ports)}, true, 2},
		"a remote task that is gone":                           {[][]byte{tableEvent("DEL", one, "false")}, true, 0},
		"a task of this node that comes":                       {[][]byte{binding("add", "addServiceInfoToCluster", one, ports)}, false, 2},
		"a task of this node that is about to stop":            {[][]byte{binding("add", "addServiceInfoToCluster", one, ports), binding("rm", "deleteServiceInfoFromCluster", one, ports)}, true, 2},
		"a remote task that comes back with its node":          {[][]byte{tableEvent("DEL", one, "false"), tableEvent("ADD", one, "false"), binding("add", "handleEpTableEvent", one, ports)}, false, 2},
		"a task without published ports":                       {[][]byte{binding("add", "addServiceInfoToCluster", one, "")}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var hints Hints
			for _, line := range test.lines {
				if !hints.Heard(line, time.Now()) {
					t.Errorf("not taken for news: %s", line)
				}
			}
			got := hints.said[one]
			if got.leaving != test.leaving || len(got.ports) != test.ports {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestOtherLinesAreNoNews(t *testing.T) {
	var hints Hints
	for _, line := range []string{"Calling GET /v1.45/info", "", "EnableService 64b9 START", strings.Repeat("x", 1<<16)} {
		if hints.Heard(said(line), time.Now()) {
			t.Errorf("news: %.40s", line)
		}
	}
	if len(hints.said) != 0 {
		t.Errorf("%v", hints.said)
	}
}

func TestPortsAreReadStrictly(t *testing.T) {
	got := parsePorts("8080:80/TCP,0:80/TCP,70000:1/TCP,53:53/UDP,1:1/ICMP,x:1/TCP,9:9/SCTP,")
	if want := []Port{{8080, TCP}, {53, UDP}, {9, SCTP}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestHintsAboutNobodyAreForgottenInTimeAndNeverTooMany(t *testing.T) {
	var hints Hints
	now := time.Now()
	for n := range maxHints + 100 {
		endpoint := []byte(two)
		for at := range 16 {
			endpoint[at] = "0123456789abcdef"[n>>(4*at)&15]
		}
		hints.Heard(tableEvent("ADD", string(endpoint), "false"), now)
	}
	if len(hints.said) != maxHints {
		t.Errorf("%d are kept", len(hints.said))
	}
	hints.Heard(tableEvent("ADD", string(slices.Collect(maps.Keys(hints.said))[0]), "false"), now.Add(time.Minute))
	hints.about(Cluster{}, now.Add(time.Minute))
	if len(hints.said) != 1 {
		t.Errorf("%d are left after a minute", len(hints.said))
	}
	hints.Forget()
	if len(hints.said) != 0 {
		t.Error("a new dockerd's words are mixed with the last one's")
	}
}
