package kubernetes

import (
	"slices"
	"strings"
	"testing"
	"time"

	"slipway.dev/node/internal/supervise"
)

var members = Membership{Members: []string{"control", "worker1", "worker2"}, Secret: strings.Repeat("s", 32)}

func clusterOn(t *testing.T, hostname string) *Cluster {
	t.Helper()
	service := func(spec supervise.Spec) *supervise.Service {
		return supervise.New(spec, time.Now(), nil, nil)
	}
	made, err := New(members, hostname, nil, nil, service, News{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func names(statuses []supervise.Status) string {
	var found []string
	for _, status := range statuses {
		found = append(found, status.Name)
	}
	return strings.Join(found, " ")
}

func TestTheControlPlaneRunsEverythingAndAWorkerWhatPodsNeed(t *testing.T) {
	if got := names(clusterOn(t, "control").Statuses()); got != "etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy metrics-server local-path-provisioner kubernetes" {
		t.Error(got)
	}
	if got := names(clusterOn(t, "worker2").Statuses()); got != "kubelet kube-proxy kubernetes" {
		t.Error(got)
	}
}

func TestANodeThatIsNoMemberOrHasNoSecretIsRefused(t *testing.T) {
	for hostname, membership := range map[string]Membership{"stranger": members, "control": {Members: members.Members, Secret: "short"}} {
		if _, err := New(membership, hostname, nil, nil, nil, News{}); err == nil {
			t.Errorf("%s was taken", hostname)
		}
	}
}

func TestMembersSharesOfThePodsNetworkAndTheirHardwareAddressesDiffer(t *testing.T) {
	if podShare(0).String() != "10.244.0.0/24" || podShare(2).String() != "10.244.2.0/24" {
		t.Error(podShare(0), podShare(2))
	}
	if hardwareAddress(1).String() == hardwareAddress(2).String() || hardwareAddress(1)[0]&3 != 2 {
		t.Error("hardware addresses must differ, be local and be no group's")
	}
}

func TestEveryObjectOfANewClusterCanBeRendered(t *testing.T) {
	for _, each := range slices.Concat(objects, addons, []object{metricsAPI}) {
		manifest, err := clusterOn(t, "control").render(each.file)
		if err != nil || strings.Contains(string(manifest), "{{") || !strings.Contains(string(manifest), "apiVersion: ") {
			t.Errorf("%s: %v\n%s", each.file, err, manifest)
		}
	}
}

func TestOnlyTheControlPlanesNodeIsTainted(t *testing.T) {
	if got := string(nodeManifest(0, "control")); !strings.Contains(got, "taints") || !strings.Contains(got, "node-role.kubernetes.io/control-plane") {
		t.Error(got)
	}
	if got := string(nodeManifest(1, "worker1")); strings.Contains(got, "taints") || !strings.Contains(got, "podCIDR: 10.244.1.0/24") {
		t.Error(got)
	}
}
