//go:build unix

package node_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// A key that was replaced by a pipe nobody writes to stops neither the reloading nor the shutdown.
func TestTLS_KeyBecomesPipe(t *testing.T) {
	t.Parallel()
	files := newCertificateFiles(t)
	certPEM, keyPEM := newPair(t, 1, time.Now().Add(90*24*time.Hour))
	writeFile(t, files.cert, certPEM)
	writeFile(t, files.key, keyPEM)
	at := harness.NewNode(t, files.flags()...)
	node := at.Start()
	replaceByPipe := func() {
		t.Helper()
		if err := os.Remove(files.key); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(files.key, 0o600); err != nil {
			t.Fatal(err)
		}
		awaitCertificate(t, at, 1, `stays: tls.key: not a regular file"`)
	}
	replaceByPipe()
	if err := os.Remove(files.key); err != nil {
		t.Fatal(err)
	}
	writeFile(t, files.key, keyPEM)
	awaitCertificate(t, at, 1, "")
	replaceByPipe()
	node.Terminate(t)
}
