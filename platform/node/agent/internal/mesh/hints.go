package mesh

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The engine's API says which tasks exist, but neither that one of them is about to be stopped nor with which protocol
// and ports. dockerd's own words at log level debug do, on every node and the moment the news has come.
var (
	// remote is said of tasks of other nodes; the last word is whether the task is on its way out.
	remote = regexp.MustCompile(`handleEpTableEvent (ADD|UPD|DEL) ([0-9a-f]{64}) R:\{.* (true|false)\}`)
	// bound is said of every task, also those of this node; the key ends with its ports, "8080:80/TCP,53:53/UDP".
	bound = regexp.MustCompile(`(add|rm)ServiceBinding from (\w+) START for \S* ([0-9a-f]{64}) p:\w+ nid:\w+ s[kK]ey:\{\w+ ([^}]*)\}`)
	// marks are in every line that may mean news.
	marks = [][]byte{[]byte("handleEpTableEvent "), []byte("ServiceBinding from "), []byte("addServiceInfoToCluster END"), []byte("deleteServiceInfoFromCluster ")}
)

const (
	maxHints = 4096
	// hintsKept is how long a hint is kept about a task that the API does not list (yet).
	hintsKept = 30 * time.Second
)

type hint struct {
	leaving bool
	ports   []Port // nil where it was not said
	heard   time.Time
}

// Hints is what dockerd has let fall about tasks, by endpoint. The zero Hints is ready.
type Hints struct {
	mu   sync.Mutex
	said map[string]hint
}

// Heard takes one line of dockerd's log and tells whether it may mean news.
func (h *Hints) Heard(line []byte, now time.Time) bool {
	if !slices.ContainsFunc(marks, func(mark []byte) bool { return bytes.Contains(line, mark) }) {
		return false
	}
	if parts := remote.FindSubmatch(line); parts != nil {
		h.note(string(parts[2]), now, func(one *hint) { one.leaving = string(parts[1]) != "ADD" || string(parts[3]) == "true" })
	}
	if parts := bound.FindSubmatch(line); parts != nil {
		h.note(string(parts[3]), now, func(one *hint) {
			one.ports = parsePorts(string(parts[4]))
			if string(parts[1]) == "rm" {
				one.leaving = true
			} else if string(parts[2]) != "handleEpTableEvent" { // of those, the line before has said it
				one.leaving = false
			}
		})
	}
	return true
}

func (h *Hints) note(endpoint string, now time.Time, change func(*hint)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, known := h.said[endpoint]
	if !known && len(h.said) >= maxHints {
		return
	}
	if h.said == nil {
		h.said = make(map[string]hint)
	}
	change(&one)
	one.heard = now
	h.said[endpoint] = one
}

// Forget starts anew, as dockerd does.
func (h *Hints) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = nil
}

// about gives a copy of what is known, and drops what is about nobody.
func (h *Hints) about(cluster Cluster, now time.Time) map[string]hint {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := make(map[string]hint)
	for _, network := range cluster.Networks {
		for _, service := range network.Services {
			for _, task := range service.Tasks {
				if one, said := h.said[task.Endpoint]; said {
					known[task.Endpoint] = one
				}
			}
		}
	}
	for endpoint, one := range h.said {
		if _, needed := known[endpoint]; !needed && now.Sub(one.heard) > hintsKept {
			delete(h.said, endpoint)
		}
	}
	return known
}

// parsePorts never gives nil: that a task has no ports is known then.
func parsePorts(text string) []Port {
	ports := []Port{}
	for each := range strings.SplitSeq(text, ",") {
		published, rest, _ := strings.Cut(each, ":")
		_, protocol, _ := strings.Cut(rest, "/")
		number, err := strconv.ParseUint(published, 10, 16)
		name := Protocol(strings.ToLower(protocol))
		if err == nil && number > 0 && slices.Contains([]Protocol{TCP, UDP, SCTP}, name) && len(ports) < maxPorts {
			ports = append(ports, Port{Number: uint16(number), Protocol: name})
		}
	}
	return ports
}
