package kubernetes

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// validity is far more than any sandbox lives; backdating forgives a clock that is set back.
const (
	validity   = 365 * 24 * time.Hour
	backdating = 24 * time.Hour
)

// identity holds the keys that all members of a cluster agree on. Every member derives them from the secret, so no member
// waits for another one's certificates; what is signed with them is made anew at each boot.
type identity struct {
	now          time.Time
	cluster      authority // signs every client and server of the cluster
	frontProxy   authority // signs the API server towards extension servers
	accountToken *ecdsa.PrivateKey
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// pair is a certificate and its key, PEM-encoded.
type pair struct{ certificate, key []byte }

func newIdentity(secret string, now time.Time) (*identity, error) {
	i := &identity{now: now}
	var err error
	if i.cluster, err = i.newAuthority(secret, "kubernetes"); err != nil {
		return nil, err
	}
	if i.frontProxy, err = i.newAuthority(secret, "front-proxy-ca"); err != nil {
		return nil, err
	}
	if i.accountToken, err = deriveKey(secret, "service accounts"); err != nil {
		return nil, err
	}
	return i, nil
}

// deriveKey gives the same key for the same secret and purpose, and keys that tell nothing of each other otherwise.
func deriveKey(secret, purpose string) (*ecdsa.PrivateKey, error) {
	const size = 32
	// A candidate is no key of the curve once in 2^32 times; then the next one is taken.
	for attempt := range 16 {
		candidate, err := hkdf.Key(sha256.New, []byte(secret), nil, fmt.Sprintf("slipway kubernetes %s %d", purpose, attempt), size)
		if err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), candidate); err == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("no key for %s follows from the secret", purpose)
}

func (i *identity) newAuthority(secret, name string) (authority, error) {
	key, err := deriveKey(secret, name)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
	}
	certificate, err := i.sign(template, &key.PublicKey, authority{certificate: template, key: key})
	return authority{certificate: certificate, key: key}, err
}

// client makes the certificate by which a component, or a person, is known to the API server.
func (i *identity) client(by authority, name string, groups ...string) (pair, error) {
	return i.issue(by, &x509.Certificate{
		Subject:  pkix.Name{CommonName: name, Organization: groups},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// server makes a certificate for all these host names and addresses.
func (i *identity) server(name string, hosts ...string) (pair, error) {
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return i.issue(i.cluster, template)
}

func (i *identity) issue(by authority, template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	certificate, err := i.sign(template, &key.PublicKey, by)
	if err != nil {
		return pair{}, err
	}
	encoded, err := encodeKey(key)
	return pair{certificate: encodeCertificate(certificate), key: encoded}, err
}

func (i *identity) sign(template *x509.Certificate, key crypto.PublicKey, by authority) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = i.now.Add(-backdating), i.now.Add(validity)
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key, by.key)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", template.Subject, err)
	}
	return x509.ParseCertificate(der)
}

func encodeCertificate(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

func encodePublicKey(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}
