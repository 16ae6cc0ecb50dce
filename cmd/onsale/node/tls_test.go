package node_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// certificateFiles are the two files of a pair.
type certificateFiles struct{ cert, key string }

func newCertificateFiles(t *testing.T) certificateFiles {
	dir := t.TempDir()
	return certificateFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// flags are those of a node.
func (f certificateFiles) flags() []string { return []string{"--tls-cert", f.cert, "--tls-key", f.key} }

// newPair makes a certificate of 127.0.0.1 that signs itself.
func newPair(t *testing.T, serial int64, ends time.Time) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-30 * 24 * time.Hour), NotAfter: ends,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tlsClient trusts the certificate and speaks one protocol.
func tlsClient(t *testing.T, certPEM []byte, http2 bool) *http.Client {
	t.Helper()
	roots, protocols := x509.NewCertPool(), new(http.Protocols)
	if !roots.AppendCertsFromPEM(certPEM) {
		t.Fatal("no certificate")
	}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Commands, streams and the demo's payments work over both protocols. Older versions of TLS, and no TLS, do not.
func TestTLS_ServesBothProtocols(t *testing.T) {
	t.Parallel()
	ctx, files := harness.TimeoutContext(t, 60*time.Second), newCertificateFiles(t)
	certPEM, keyPEM := newPair(t, 1, time.Now().Add(90*24*time.Hour))
	writeFile(t, files.cert, certPEM)
	writeFile(t, files.key, keyPEM)
	at := harness.NewNode(t, append(files.flags(), "--demo", "--streams-drain-window", "0s")...)
	start(t, at)
	for _, user := range []string{"one", "two"} {
		client := tlsClient(t, certPEM, user == "two")
		request, _ := http.NewRequestWithContext(ctx, "GET", at.URL()+"/subscribe/"+user+"?lang=en", nil)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if want := map[string]int{"one": 1, "two": 2}[user]; response.ProtoMajor != want {
			t.Errorf("got %s, want HTTP/%d", response.Proto, want)
		}
		frames := make(chan harness.Frame, 100)
		go harness.ReadFrames(bufio.NewReader(response.Body), func(f harness.Frame, _ bool) { frames <- f })
		at.IssueCoupons(ctx, client, user)
		awaitFrame(ctx, t, frames, "issue-complete")
		at.MustDo(ctx, client, "POST", "/fakepay/_fake/payments", `{"imp_uid":"imp_`+user+`","merchant_uid":"m_`+user+`","amount":25000}`)
		a := at.MustDo(ctx, client, "POST", "/api/v1/orders", `{"imp_uid":"imp_`+user+`","salePostId":"demo","count":1,"amount":25000}`, "X-User-Id", user)
		if a.Status != http.StatusAccepted {
			t.Errorf("the order got %v, want 202", a)
		}
		awaitFrame(ctx, t, frames, "order-success")
	}
	_, err := tls.Dial("tcp", at.Addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	response, err := http.Get("http://" + at.Addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP got %s, want 400", response.Status)
	}
}

func awaitFrame(ctx context.Context, t *testing.T, frames <-chan harness.Frame, event string) {
	t.Helper()
	for {
		select {
		case f := <-frames:
			if f.Event == event {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%s does not come", event)
		}
	}
}

// A new pair is used without a restart. While the files are no pair the one before it stays, and /readyz says so; it also says
// when the certificate in force has ended.
func TestTLS_ReloadsCertificate(t *testing.T) {
	t.Parallel()
	files := newCertificateFiles(t)
	certPEM, keyPEM := newPair(t, 1, time.Now().Add(90*24*time.Hour))
	writeFile(t, files.cert, certPEM)
	writeFile(t, files.key, keyPEM)
	at := harness.NewNode(t, files.flags()...)
	node := at.Start()
	certPEM, keyPEM = newPair(t, 2, time.Now().Add(90*24*time.Hour))
	writeFile(t, files.cert, certPEM)
	awaitCertificate(t, at, 1, "the certificate cannot be reloaded, the one before it stays: ")
	writeFile(t, files.key, keyPEM)
	awaitCertificate(t, at, 2, "")
	if err := os.Remove(files.cert); err != nil {
		t.Fatal(err)
	}
	awaitCertificate(t, at, 2, `stays: tls.cert: no such file or directory"`) // without the path: anybody may ask
	writeFile(t, files.cert, certPEM)
	awaitCertificate(t, at, 2, "")
	certPEM, keyPEM = newPair(t, 3, time.Now().Add(-time.Hour))
	writeFile(t, files.cert, certPEM)
	writeFile(t, files.key, keyPEM)
	awaitCertificate(t, at, 3, "the certificate ended at ")
	node.Terminate(t)
	for _, line := range []string{"listening on https://" + at.Addr, "certificate loaded", "certificate cannot be reloaded", "certificate has ended"} {
		if !strings.Contains(node.Stderr(), line) {
			t.Errorf("the log lacks %q:\n%s", line, node.Stderr())
		}
	}
}

// awaitCertificate requires that the node soon has the certificate with this number, and this in the notes of /readyz; "": none.
func awaitCertificate(t *testing.T, at *harness.Node, serial int64, note string) {
	t.Helper()
	var got int64
	var body []byte
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		response, err := (&http.Client{Transport: transport}).Get(at.URL() + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got = response.TLS.PeerCertificates[0].SerialNumber.Int64()
		noted := strings.Contains(string(body), `"notes"`)
		if got == serial && (note == "" && !noted || note != "" && strings.Contains(string(body), note)) {
			return
		}
	}
	t.Errorf("got certificate %d and %s, want %d and %q", got, body, serial, note)
}
