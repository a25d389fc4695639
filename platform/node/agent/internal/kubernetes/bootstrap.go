package kubernetes

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"text/template"
	"time"
)

//go:embed objects/*.yaml
var objectFiles embed.FS

// object is one thing that a new cluster is given: where the API has it, and the file that says what it is.
type object struct{ path, file string }

const (
	system = "/api/v1/namespaces/kube-system"
	roles  = "/apis/rbac.authorization.k8s.io/v1"
)

// objects, in order: those that others refer to come first.
var objects = []object{
	{system + "/serviceaccounts/coredns", "coredns-account.yaml"},
	{roles + "/clusterroles/system:coredns", "coredns-role.yaml"},
	{roles + "/clusterrolebindings/system:coredns", "coredns-binding.yaml"},
	{system + "/configmaps/coredns", "coredns-config.yaml"},
	{system + "/services/kube-dns", "coredns-service.yaml"},
	{"/apis/apps/v1/namespaces/kube-system/deployments/coredns", "coredns-deployment.yaml"},
}

// addons are what a cluster is given once it is ready: nobody waits for them.
var addons = []object{
	{roles + "/clusterroles/system:aggregated-metrics-reader", "metrics-reader-role.yaml"},
	{roles + "/clusterroles/system:metrics-server", "metrics-server-role.yaml"},
	{roles + "/clusterrolebindings/system:metrics-server", "metrics-server-binding.yaml"},
	{roles + "/clusterrolebindings/metrics-server:system:auth-delegator", "metrics-server-delegator.yaml"},
	{system + "/services/metrics-server", "metrics-server-service.yaml"},
	{"/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/metrics-server", "metrics-server-endpoints.yaml"},
	{roles + "/clusterroles/local-path-provisioner-role", "local-path-role.yaml"},
	{roles + "/clusterrolebindings/local-path-provisioner-bind", "local-path-binding.yaml"},
	{system + "/configmaps/local-path-config", "local-path-config.yaml"},
	{"/apis/storage.k8s.io/v1/storageclasses/local-path", "local-path-class.yaml"},
}

// metricsAPI is told last: while an API is registered that does not answer, kubectl complains at every call.
var metricsAPI = object{"/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io", "metrics-api.yaml"}

// bootstrap gives the cluster what it lacks when only its components run. It is done again at each boot, and changes nothing
// then that the learner has not changed.
func (c *Cluster) bootstrap(ctx context.Context) {
	if c.api.Load().waitServing(ctx) != nil {
		return
	}
	began := time.Now()
	var all sync.WaitGroup
	for place, name := range c.Members {
		all.Go(func() { c.insist(ctx, "/api/v1/nodes/"+name, nodeManifest(place, name)) })
	}
	for _, each := range objects {
		c.make(ctx, each)
	}
	all.Wait()
	slog.Info("the cluster has what every cluster has", "ms", time.Since(began).Milliseconds())
}

// equip gives the cluster its addons, and the metrics API once there is somebody who answers.
func (c *Cluster) equip(ctx context.Context) {
	if c.after(ctx, readinessName) != nil {
		return
	}
	for _, each := range addons {
		c.make(ctx, each)
	}
	if c.after(ctx, "metrics-server") == nil {
		c.make(ctx, metricsAPI)
	}
}

func (c *Cluster) make(ctx context.Context, each object) {
	manifest, err := c.render(each.file)
	if err != nil {
		slog.Error("an object of the cluster", "file", each.file, "error", err)
		return
	}
	c.insist(ctx, each.path, manifest)
}

// insist applies until it works: right after its start the API server may still refuse.
func (c *Cluster) insist(ctx context.Context, path string, manifest []byte) {
	for ctx.Err() == nil {
		err := c.api.Load().apply(ctx, path, manifest)
		if err == nil {
			return
		}
		slog.Warn("the API server refused", "path", path, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// nodeManifest is what the kubelet may not say of its own node: its role and its share of the pods' network.
func nodeManifest(place int, name string) []byte {
	var manifest bytes.Buffer
	fmt.Fprintf(&manifest, "apiVersion: v1\nkind: Node\nmetadata:\n  name: %s\n", name)
	role := "worker"
	if place == 0 {
		role = "control-plane"
	}
	fmt.Fprintf(&manifest, "  labels: {node-role.kubernetes.io/%s: \"\"}\n", role)
	fmt.Fprintf(&manifest, "spec:\n  podCIDR: %s\n  podCIDRs: [%s]\n", podShare(place), podShare(place))
	if place == 0 {
		manifest.WriteString("  taints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]\n")
	}
	return manifest.Bytes()
}

func (c *Cluster) render(file string) ([]byte, error) {
	content, err := objectFiles.ReadFile("objects/" + file)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New(file).Parse(string(content))
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	err = parsed.Execute(&out, map[string]string{
		"DNS": dnsAddress, "Domain": clusterDomain, "Control": c.address.String(),
		"Authority": base64.StdEncoding.EncodeToString(c.authority),
	})
	return []byte(out.String()), err
}
