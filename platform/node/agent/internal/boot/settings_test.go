package boot

import (
	"slices"
	"testing"
	"time"
)

func read(t *testing.T, env map[string]string) (Settings, error) {
	t.Helper()
	return ReadSettings(func(name string) string { return env[name] })
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	got, err := read(t, map[string]string{
		"SLIPWAY_KIND": "docker", "SLIPWAY_LEASE_SECONDS": "3600", "SLIPWAY_PEERS": "node1, node2,,node3", "SLIPWAY_REGISTRY_SOCKET": "/r.sock",
	})
	if err != nil || got.Kind != "docker" || got.Lease != time.Hour || got.RegistrySocket != "/r.sock" || !slices.Equal(got.Peers, []string{"node1", "node2", "node3"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Place("node3") != 2 || got.Place("other") != 0 {
		t.Errorf("places %d, %d", got.Place("node3"), got.Place("other"))
	}
}

func TestWithoutAnySettingANodeIsADockerNodeWithoutAnEnd(t *testing.T) {
	if got, err := read(t, nil); err != nil || got.Kind != "docker" || got.Lease != 0 || got.RegistrySocket != "" || len(got.Peers) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestALeaseThatMakesNoSenseIsAnHourNotForEver(t *testing.T) {
	for _, text := range []string{"0", "-1", "soon", "99999999999", "1.5"} {
		if got, err := read(t, map[string]string{"SLIPWAY_LEASE_SECONDS": text}); err == nil || got.Lease != time.Hour {
			t.Errorf("%s: %v, %v", text, got.Lease, err)
		}
	}
}

func TestAnUnknownKindIsSaidAndBootsAllTheSame(t *testing.T) {
	if got, err := read(t, map[string]string{"SLIPWAY_KIND": "mainframe"}); err == nil || got.Kind != "docker" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAKubernetesNodeIsToldItsClusterAndTheSecretOfIt(t *testing.T) {
	got, err := read(t, map[string]string{
		"SLIPWAY_KIND": "kubernetes-worker", "SLIPWAY_CLUSTER": "control, worker1", "SLIPWAY_CLUSTER_SECRET": "s3cret",
	})
	if err != nil || !got.IsKubernetes() || got.Secret != "s3cret" || !slices.Equal(got.Cluster, []string{"control", "worker1"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if docker, _ := read(t, nil); docker.IsKubernetes() {
		t.Error("a Docker node is none of Kubernetes'")
	}
}
