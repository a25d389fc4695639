package registry

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/inward"
	"slipway.dev/node/internal/reaper"
)

// apart runs the calling test again in a network and a mount namespace of its own, where it may change what is the
// machine's, and reports true there.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv("APART") == t.Name() {
		if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if _, err := exec.LookPath("iptables"); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and iptables")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=30s")
	cmd.Env = append(os.Environ(), "APART="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// ownEtc covers /etc/hosts and the trusted certificates with copies.
func ownEtc(t *testing.T) {
	t.Helper()
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	bundled, _ := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err := unix.Mount("tmpfs", "/etc/ssl/certs", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/ssl/certs/ca-certificates.crt", bundled, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHubsNameLeadsToTheSocketAndEveryPortIsFree(t *testing.T) {
	if !apart(t) {
		return
	}
	ownEtc(t)
	ctx := t.Context()
	r := reaper.New()
	go r.Run(ctx)
	socket := filepath.Join(t.TempDir(), "registry.sock")
	registry, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = http.Serve(registry, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s%s", r.Method, r.Host, r.URL)
		}))
	}()
	served, err := Setup(ctx, socket, r)
	if err != nil || served == nil {
		t.Fatal(served, err)
	}
	go served.Serve(ctx)

	for _, port := range []string{"80", "443", "5000", "8080"} {
		for _, address := range []string{"0.0.0.0", "127.0.0.1", "127.0.0.53"} {
			listener, err := net.Listen("tcp4", address+":"+port)
			if err != nil {
				t.Errorf("a learner cannot have %s:%s: %v", address, port, err)
				continue
			}
			_ = listener.Close()
		}
	}
	learner, err := net.Listen("tcp4", "0.0.0.0:443")
	if err != nil {
		t.Fatal(err)
	}
	defer learner.Close()
	swarmTakesPort443(t, r)
	fetchesFromHub(t)
	for _, command := range []string{"curl -sf --max-time 5 https://registry-1.docker.io/v2/", "openssl s_client -verify_return_error -verify_hostname registry-1.docker.io -connect registry-1.docker.io:443 </dev/null"} {
		if _, err := exec.LookPath(strings.Fields(command)[0]); err == nil {
			cmd := exec.Command("/bin/sh", "-c", command+" 2>&1")
			// Only the certificates of the system count, as in a node.
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
			child := run(t, r, cmd)
			if child.Status() != 0 {
				t.Errorf("%s: %s", command, child.Ending())
			}
		}
	}

	if child := run(t, r, exec.Command("iptables", "-t", "nat", "-F")); child.Status() != 0 {
		t.Fatal("the rules cannot be flushed")
	}
	for range 2 {
		if err := served.Lead(ctx); err != nil {
			t.Fatal(err)
		}
	}
	fetchesFromHub(t)
}

// swarmTakesPort443 adds a rule as Swarm does for a service that publishes 443, in front of all others.
func swarmTakesPort443(t *testing.T, r *reaper.Reaper) {
	t.Helper()
	child := run(t, r, exec.Command("iptables", "-t", "nat", "-I", "OUTPUT", "-m", "addrtype", "--dst-type", "LOCAL",
		"-p", "tcp", "--dport", "443", "-j", "DNAT", "--to-destination", "172.18.0.2:443"))
	if child.Status() != 0 {
		t.Fatal(child.Ending())
	}
}

func run(t *testing.T, r *reaper.Reaper, cmd *exec.Cmd) *reaper.Child {
	t.Helper()
	child, err := r.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-child.Done()
	return child
}

func fetchesFromHub(t *testing.T) {
	t.Helper()
	roots := x509.NewCertPool()
	trusted, err := os.ReadFile("/etc/ssl/certs/slipway-registry.crt")
	if err != nil || !roots.AppendCertsFromPEM(trusted) {
		t.Fatal("no certificate is trusted: ", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = roots
	transport.Proxy = nil
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 5 * time.Second}
	response, err := client.Get("https://registry-1.docker.io/v2/library/nginx/manifests/latest")
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if got := string(body); got != "GET registry-1.docker.io/v2/library/nginx/manifests/latest" {
		t.Errorf("the registry was asked %q", got)
	}
}

func TestWithoutARegistryNothingIsChanged(t *testing.T) {
	if !apart(t) {
		return
	}
	ownEtc(t)
	file := filepath.Join(t.TempDir(), "no-socket")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, socket := range []string{"", "/no/such/socket", file} {
		if served, err := Setup(t.Context(), socket, reaper.New()); served != nil || err != nil {
			t.Errorf("%q: %v, %v", socket, served, err)
		}
	}
	hosts, _ := os.ReadFile("/etc/hosts")
	if _, err := os.Stat("/etc/ssl/certs/slipway-registry.crt"); !errors.Is(err, os.ErrNotExist) || strings.Contains(string(hosts), Host) {
		t.Errorf("%q, %v", hosts, err)
	}
	if sockets, err := os.ReadFile("/proc/thread-self/net/tcp"); err != nil || strings.Count(string(sockets), "\n") != 1 {
		t.Errorf("something listens: %s, %v", sockets, err)
	}
}

func TestTheCertificateIsGoodForHubsNameOnlyAndCannotSignOthers(t *testing.T) {
	_, encoded, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(encoded)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || certificate.IsCA || certificate.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("%+v, %v", certificate, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	for name, good := range map[string]bool{Host: true, "docker.io": false, "bank.example": false} {
		if _, err := certificate.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenSSLFindsTheCertificateByItsHash(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here")
	}
	_, encoded, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", "x509", "-noout", "-hash")
	cmd.Stdin = strings.NewReader(string(encoded))
	out, err := cmd.Output()
	if want := strings.TrimSpace(string(out)); err != nil || want != fmt.Sprintf("%08x", subjectHash(subject)) {
		t.Errorf("openssl says %s, we say %08x; %v", want, subjectHash(subject), err)
	}
}

func TestABundleHasTheCertificateOnceHoweverOftenANodeBoots(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "etc/ssl/certs")
	if err := trust(root, []byte("ONE\n")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "ca-certificates.crt")
	if _, err := os.Stat(path); err == nil {
		t.Error("a bundle was made where there was none")
	}
	if err := os.WriteFile(path, []byte("THE WORLD\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, each := range []string{"ONE\n", "TWO\n"} {
		if err := trust(root, []byte(each)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != "THE WORLD\n"+bundleBegin+"TWO\n"+bundleEnd {
		t.Errorf("%q", got)
	}
	if got, _ := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%08x.0", subjectHash(subject)))); string(got) != "TWO\n" {
		t.Errorf("behind the hash: %q", got)
	}
}

func TestTheNameIsWrittenOnceIntoTheHostsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	for range 2 {
		if err := addHost(path); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != inward.Address+"\t"+Host+"\n" {
		t.Errorf("%q", got)
	}
}
