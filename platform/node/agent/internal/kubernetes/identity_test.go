package kubernetes

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func identityOf(t *testing.T, secret string) *identity {
	t.Helper()
	made, err := newIdentity(strings.Repeat(secret, 8), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func parsed(t *testing.T, encoded []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(encoded)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestMembersOfOneClusterTrustEachOtherWithoutHavingSpoken(t *testing.T) {
	control, worker := identityOf(t, "same"), identityOf(t, "same")
	issued, err := worker.client(worker.cluster, "system:node:worker1", "system:nodes")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(control.cluster.certificate)
	if _, err := parsed(t, issued.certificate).Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if !control.accountToken.Equal(worker.accountToken) {
		t.Error("tokens of one would not be known to the other")
	}
}

func TestAnotherSandboxesCertificatesAreWorthNothing(t *testing.T) {
	here, there := identityOf(t, "here"), identityOf(t, "gone")
	issued, err := there.client(there.cluster, "kubernetes-admin", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(here.cluster.certificate)
	if _, err := parsed(t, issued.certificate).Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
		t.Error("a certificate of another sandbox was accepted")
	}
}

func TestKeysForDifferentPurposesDiffer(t *testing.T) {
	made := identityOf(t, "same")
	if made.cluster.key.Equal(made.frontProxy.key) || made.cluster.key.Equal(made.accountToken) {
		t.Error("one key serves two purposes")
	}
}

func TestAServersCertificateHoldsNamesAndAddressesApart(t *testing.T) {
	made := identityOf(t, "same")
	issued, err := made.server("kube-apiserver", "node1", "10.96.0.1", "kubernetes.default.svc")
	if err != nil {
		t.Fatal(err)
	}
	certificate := parsed(t, issued.certificate)
	for _, host := range []string{"node1", "10.96.0.1", "kubernetes.default.svc"} {
		if err := certificate.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
}

func TestCertificatesHoldForAClockAnHourOffAndFarLongerThanASandboxLives(t *testing.T) {
	made := identityOf(t, "same")
	issued, err := made.client(made.cluster, "kubernetes-admin", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(made.cluster.certificate)
	for _, away := range []time.Duration{-time.Hour, 0, time.Hour, 7 * 24 * time.Hour} {
		options := x509.VerifyOptions{
			Roots: roots, CurrentTime: made.now.Add(away), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		if _, err := parsed(t, issued.certificate).Verify(options); err != nil {
			t.Errorf("%s away: %v", away, err)
		}
	}
}
