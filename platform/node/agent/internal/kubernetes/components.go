package kubernetes

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"slipway.dev/node/internal/supervise"
)

const (
	etcdAddress = "http://127.0.0.1:2379"
	etcdFolder  = "/var/lib/etcd"
	metricsPort = "4443"
)

// specs describes what this node runs, in the order in which one needs the other.
func (c *Cluster) specs() []supervise.Spec {
	var specs []supervise.Spec
	if c.IsControl() {
		specs = append(specs, c.etcd(), c.apiserver(), c.controllerManager(), c.scheduler())
	}
	specs = append(specs, c.kubelet(), c.proxy())
	if c.IsControl() {
		specs = append(specs, c.metricsServer(), c.localPath())
	}
	return specs
}

// frugal is a command whose memory counts more than its processor time: a cluster idles most of its life, and the garbage of
// its start would otherwise stay for minutes.
func frugal(name string, words ...string) *exec.Cmd {
	command := exec.Command(name, words...)
	command.Env = append(os.Environ(), "GOGC=50")
	return command
}

// delegating is frugal for a part of the control plane that acts on the API server, by the given configuration, and lets it
// judge who may ask the part itself.
func delegating(name, config string, words ...string) *exec.Cmd {
	return frugal(name, append([]string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
		"--client-ca-file=" + pkiFolder + "/ca.crt",
		"--requestheader-client-ca-file=" + pkiFolder + "/front-proxy-ca.crt",
	}, words...)...)
}

// etcd keeps the cluster's state. It does not wait for the disk: a sandbox lives for hours, and its disk dies with it.
func (c *Cluster) etcd() supervise.Spec {
	return supervise.Spec{
		Name: "etcd", LogPath: "/var/log/etcd.log",
		Prepare: func(ctx context.Context) error {
			_ = os.Chmod(etcdFolder, 0o700) // made by the platform, for everybody
			return wait(ctx, c.prepared)
		},
		Command: func() *exec.Cmd {
			return frugal("etcd", "--name="+c.hostname, "--data-dir="+etcdFolder, "--unsafe-no-fsync", "--log-level=warn",
				// It has nobody to agree with, so it need not wait for others before it leads.
				"--heartbeat-interval=10", "--election-timeout=50",
				"--listen-client-urls="+etcdAddress, "--advertise-client-urls="+etcdAddress,
				"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
				"--initial-cluster="+c.hostname+"=http://127.0.0.1:2380")
		},
		Probe: answers(etcdAddress + "/health"),
	}
}

func (c *Cluster) apiserver() supervise.Spec {
	return supervise.Spec{
		Name: "kube-apiserver", LogPath: "/var/log/kube-apiserver.log",
		Prepare: func(ctx context.Context) error { return c.after(ctx, "etcd") },
		Command: func() *exec.Cmd {
			return frugal("kube-apiserver",
				"--advertise-address="+c.address.String(), "--secure-port="+apiPort, "--etcd-servers="+etcdAddress,
				"--client-ca-file="+pkiFolder+"/ca.crt",
				"--tls-cert-file="+pkiFolder+"/apiserver.crt", "--tls-private-key-file="+pkiFolder+"/apiserver.key",
				"--kubelet-client-certificate="+pkiFolder+"/apiserver-kubelet-client.crt",
				"--kubelet-client-key="+pkiFolder+"/apiserver-kubelet-client.key",
				"--kubelet-certificate-authority="+pkiFolder+"/ca.crt",
				"--kubelet-preferred-address-types=InternalIP,Hostname",
				"--proxy-client-cert-file="+pkiFolder+"/front-proxy-client.crt",
				"--proxy-client-key-file="+pkiFolder+"/front-proxy-client.key",
				"--requestheader-client-ca-file="+pkiFolder+"/front-proxy-ca.crt",
				"--requestheader-allowed-names=front-proxy-client", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
				"--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
				"--enable-aggregator-routing=true",
				"--service-account-issuer=https://kubernetes.default.svc."+clusterDomain,
				"--service-account-key-file="+pkiFolder+"/sa.pub", "--service-account-signing-key-file="+pkiFolder+"/sa.key",
				"--service-cluster-ip-range="+serviceNetwork,
				"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--enable-bootstrap-token-auth=true",
				"--allow-privileged=true", "--profiling=false",
				// A worker that dies in a lab must be seen to, not waited for.
				"--default-not-ready-toleration-seconds=5", "--default-unreachable-toleration-seconds=5")
		},
		Probe: func(ctx context.Context) error { return c.api.Load().waitReady(ctx) },
	}
}

func (c *Cluster) controllerManager() supervise.Spec {
	return supervise.Spec{
		Name: "kube-controller-manager", LogPath: "/var/log/kube-controller-manager.log",
		// It ends by itself when the roles it needs have not been made yet.
		Prepare: func(ctx context.Context) error { return c.after(ctx, "kube-apiserver") },
		Command: func() *exec.Cmd {
			return delegating("kube-controller-manager", configFolder+"/controller-manager.conf",
				"--bind-address=127.0.0.1", "--root-ca-file="+pkiFolder+"/ca.crt", "--service-account-private-key-file="+pkiFolder+"/sa.key",
				"--cluster-signing-cert-file="+pkiFolder+"/ca.crt", "--cluster-signing-key-file="+pkiFolder+"/ca.key",
				"--use-service-account-credentials=true", "--controllers=*,bootstrapsigner,tokencleaner",
				"--cluster-cidr="+podNetwork, "--allocate-node-cidrs=false", "--service-cluster-ip-range="+serviceNetwork,
				"--leader-elect=false", "--profiling=false", "--kube-api-qps=100", "--kube-api-burst=200",
				"--node-monitor-period=1s", "--node-monitor-grace-period=8s")
		},
		Probe: answersTLS("https://127.0.0.1:10257/healthz"),
	}
}

func (c *Cluster) scheduler() supervise.Spec {
	return supervise.Spec{
		Name: "kube-scheduler", LogPath: "/var/log/kube-scheduler.log",
		Prepare: func(ctx context.Context) error { return c.after(ctx, "kube-apiserver") },
		Command: func() *exec.Cmd {
			return delegating("kube-scheduler", configFolder+"/scheduler.conf",
				"--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false")
		},
		Probe: answersTLS("https://127.0.0.1:10259/healthz"),
	}
}

func (c *Cluster) kubelet() supervise.Spec {
	return supervise.Spec{
		Name: "kubelet", LogPath: "/var/log/kubelet.log",
		// One that finds no API server tries again ever more rarely; one that comes in time is there at once.
		Prepare: func(ctx context.Context) error {
			if err := wait(ctx, c.images, c.prepared); err != nil {
				return err
			}
			if _, err := c.containerd.WaitReady(ctx); err != nil {
				return err
			}
			return c.api.Load().waitServing(ctx)
		},
		Command: func() *exec.Cmd {
			return frugal("kubelet", "--config="+kubeletConfig, "--kubeconfig="+configFolder+"/kubelet.conf",
				"--hostname-override="+c.hostname, "--node-ip="+c.address.String())
		},
		Probe: answers("http://127.0.0.1:10248/healthz"),
	}
}

func (c *Cluster) proxy() supervise.Spec {
	return supervise.Spec{
		Name: "kube-proxy", LogPath: "/var/log/kube-proxy.log",
		Prepare: func(ctx context.Context) error {
			// It looks for its node's address once a second only, so it is started when that is there.
			if err := wait(ctx, c.prepared); err != nil {
				return err
			}
			if err := c.api.Load().waitReady(ctx); err != nil {
				return err
			}
			return c.api.Load().waitAddress(ctx, c.hostname)
		},
		Command: func() *exec.Cmd { return frugal("kube-proxy", "--config="+proxyConfig) },
		Probe:   answers("http://127.0.0.1:10256/livez"),
	}
}

// metricsServer answers `kubectl top`. Nothing waits for it, so it starts when the cluster is ready.
func (c *Cluster) metricsServer() supervise.Spec {
	return supervise.Spec{
		Name: "metrics-server", LogPath: "/var/log/metrics-server.log",
		Prepare: func(ctx context.Context) error { return c.after(ctx, readinessName) },
		Command: func() *exec.Cmd {
			return delegating("metrics-server", configFolder+"/metrics-server.conf",
				// The API server asks it by the address of an endpoint, which may not be a loopback one.
				"--bind-address="+c.address.String(), "--secure-port="+metricsPort,
				"--tls-cert-file="+pkiFolder+"/metrics-server.crt", "--tls-private-key-file="+pkiFolder+"/metrics-server.key",
				"--requestheader-allowed-names=front-proxy-client", "--authentication-skip-lookup=true",
				"--kubelet-certificate-authority="+pkiFolder+"/ca.crt", "--kubelet-preferred-address-types=InternalIP",
				// The shortest that it takes.
				"--metric-resolution=10s", "--kubelet-request-timeout=5s", "--profiling=false")
		},
		Probe: func(ctx context.Context) error {
			return poll(ctx, unverified, "https://"+net.JoinHostPort(c.address.String(), metricsPort)+"/readyz")
		},
	}
}

// localPath makes a volume for each claim, in a folder of the node where its pod runs. It starts with the first claim: most
// clusters never have one.
func (c *Cluster) localPath() supervise.Spec {
	return supervise.Spec{
		Name: "local-path-provisioner", LogPath: "/var/log/local-path-provisioner.log",
		Prepare: func(ctx context.Context) error {
			if err := c.after(ctx, "kube-apiserver"); err != nil {
				return err
			}
			return c.api.Load().waitAny(ctx, "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes")
		},
		Command: func() *exec.Cmd {
			return frugal("local-path-provisioner", "start", "--kubeconfig="+configFolder+"/local-path-provisioner.conf",
				// The ConfigMap says how it goes about it.
				"--namespace=kube-system", "--configmap-name=local-path-config",
				"--service-account-name=default", "--helper-image=busybox")
		},
		// It has nothing that could be asked.
		Probe: func(context.Context) error { return nil },
	}
}

// after waits until another service of this node is ready.
func (c *Cluster) after(ctx context.Context, name string) error {
	if err := wait(ctx, c.prepared); err != nil {
		return err
	}
	_, err := c.Service(name).WaitReady(ctx)
	return err
}

func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error { return poll(ctx, plain, url) }
}

func answersTLS(url string) func(context.Context) error {
	return func(ctx context.Context) error { return poll(ctx, unverified, url) }
}

// poll asks until the answer is 200.
func poll(ctx context.Context, through *http.Client, url string) error {
	for {
		if ask(ctx, through, url) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, through *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := through.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
