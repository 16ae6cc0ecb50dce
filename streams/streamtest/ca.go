// A certificate authority of a test, and servers that are configured otherwise.

package streamtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Configured starts one server with other options.
func Configured(tb testing.TB, change func(*server.Options)) *Servers {
	tb.Helper()
	return cluster(tb, 1, change)
}

// CA is an authority with the PEM files of a client.
type CA struct {
	Path, ClientCert, ClientKey string
	certificate                 *x509.Certificate
	key                         *ecdsa.PrivateKey
}

// NewCA makes an authority, and a certificate for a client.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	ca := &CA{key: newKey(tb)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &ca.key.PublicKey, ca.key)
	if err != nil {
		tb.Fatal(err)
	}
	ca.certificate, _ = x509.ParseCertificate(der)
	dir := tb.TempDir()
	ca.Path = writePEM(tb, dir, "ca.pem", "CERTIFICATE", der)
	certificate, key := ca.issue(tb, x509.ExtKeyUsageClientAuth)
	keyBytes, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	ca.ClientCert, ca.ClientKey = writePEM(tb, dir, "client.pem", "CERTIFICATE", certificate), writePEM(tb, dir, "client-key.pem", "EC PRIVATE KEY", keyBytes)
	return ca
}

// ServerTLS is the configuration of a server at 127.0.0.1; with verify it wants certificates of this authority.
func (ca *CA) ServerTLS(tb testing.TB, verify bool) *tls.Config {
	tb.Helper()
	certificate, key := ca.issue(tb, x509.ExtKeyUsageServerAuth)
	c := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	if verify {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		c.ClientCAs.AddCert(ca.certificate)
	}
	return c
}

func (ca *CA) issue(tb testing.TB, usage x509.ExtKeyUsage) (certificate []byte, key *ecdsa.PrivateKey) {
	tb.Helper()
	key = newKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		tb.Fatal(err)
	}
	return certificate, key
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func writePEM(tb testing.TB, dir, name, kind string, der []byte) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
