package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Host is the name that Docker pulls from when an image's name has none.
const Host = "registry-1.docker.io"

const subject = "slipway node registry"

// newCertificate makes a key and a certificate that signs itself and is good for Host only: it cannot vouch for
// any other.
func newCertificate(now time.Time) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: subject}, DNSNames: []string{Host},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, encoded, nil
}

// trust puts a certificate among those that the programs of the system below root trust: Go reads every file of
// the folder, OpenSSL looks for the hash of the subject, and most others read the bundle.
func trust(root string, encoded []byte) error {
	folder := filepath.Join(root, "etc/ssl/certs")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	const name = "slipway-registry.crt"
	if err := os.WriteFile(filepath.Join(folder, name), encoded, 0o644); err != nil {
		return err
	}
	link := filepath.Join(folder, fmt.Sprintf("%08x.0", subjectHash(subject)))
	if err := os.Symlink(name, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return bundle(filepath.Join(folder, "ca-certificates.crt"), string(encoded))
}

const (
	bundleBegin = "# slipway-node: the registry of this node\n"
	bundleEnd   = "# slipway-node: end\n"
)

// bundle adds the certificate to a bundle that exists, in the place of the one of an earlier boot.
func bundle(path, encoded string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(content), bundleBegin)
	if found {
		_, after, _ := strings.Cut(rest, bundleEnd)
		before += after
	}
	return os.WriteFile(path, []byte(before+bundleBegin+encoded+bundleEnd), 0o644)
}

// subjectHash is what OpenSSL names a trusted certificate's file by: the first four bytes, little endian, of SHA-1 over
// the subject's attributes in their canonical form (lower case, UTF-8, each in its own SET, no outer SEQUENCE).
func subjectHash(commonName string) uint32 {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"utf8"`
	}
	type attributeSET []attribute // the SET suffix is what makes encoding/asn1 write a SET
	encoded, err := asn1.Marshal(attributeSET{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: strings.ToLower(commonName)}})
	if err != nil {
		panic(err) // the type is fixed and can be encoded
	}
	sum := sha1.Sum(encoded)
	return binary.LittleEndian.Uint32(sum[:4])
}
