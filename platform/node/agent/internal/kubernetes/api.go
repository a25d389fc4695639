package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	callTime  = 5 * time.Second
	maxAnswer = 4 << 20
	manager   = "slipway-node"
)

var (
	plain = &http.Client{Timeout: callTime, Transport: &http.Transport{DisableKeepAlives: true}}
	// Only whether a component of this node answers is asked this way; nothing is told and nothing is believed.
	unverified = &http.Client{Timeout: callTime, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
)

// client speaks to the API server as the administrator.
type client struct {
	server string
	http   *http.Client
}

func newClient(i *identity, server string) (*client, error) {
	made, err := i.client(i.cluster, "slipway-node", "system:masters")
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(made.certificate, made.key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(i.cluster.certificate)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	return &client{server: server, http: &http.Client{Timeout: callTime, Transport: transport}}, nil
}

// waitReady returns the moment the API server says that it is ready, roles and all.
func (a *client) waitReady(ctx context.Context) error { return poll(ctx, a.http, a.server+"/readyz") }

// waitServing returns the moment the API server serves those who need no role, a second before it has made all roles: the
// administrators, and the kubelets, whose rights the node authorizer knows by heart.
func (a *client) waitServing(ctx context.Context) error {
	return poll(ctx, a.http, a.server+"/api/v1/namespaces/kube-system")
}

func (a *client) isReady(ctx context.Context) bool { return ask(ctx, a.http, a.server+"/readyz") }

// apply makes an object or brings it to this shape (server-side apply); manifest is YAML.
func (a *client) apply(ctx context.Context, path string, manifest []byte) error {
	target := a.server + path + "?" + url.Values{"fieldManager": {manager}, "force": {"true"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, target, bytes.NewReader(manifest))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/apply-patch+yaml")
	_, err = a.do(request)
	return err
}

func (a *client) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return err
	}
	content, err := a.do(request)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

func (a *client) do(request *http.Request) ([]byte, error) {
	answer, err := a.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %.300s", request.Method, request.URL.Path, answer.Status, content)
	}
	return content, nil
}

// waitAddress returns the moment the kubelet has told the address of the node.
func (a *client) waitAddress(ctx context.Context, name string) error {
	for {
		var node struct {
			Status struct{ Addresses []struct{ Type string } }
		}
		if a.get(ctx, "/api/v1/nodes/"+name, &node) == nil && len(node.Status.Addresses) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// waitAny returns the moment there is an object in one of these lists.
func (a *client) waitAny(ctx context.Context, paths ...string) error {
	found, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	for _, path := range paths {
		all.Go(func() { a.keepWatching(found, path, stop) })
	}
	all.Wait()
	return ctx.Err()
}

// readyNodes gives the names of the nodes that say of themselves that they are ready.
func (a *client) readyNodes(ctx context.Context) (map[string]bool, error) {
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if err := a.get(ctx, "/api/v1/nodes", &list); err != nil {
		return nil, err
	}
	ready := make(map[string]bool)
	for _, node := range list.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" {
				ready[node.Metadata.Name] = true
			}
		}
	}
	return ready, nil
}
