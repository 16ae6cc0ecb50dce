//go:build unix

package streams_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"onsale/streams"
	"onsale/streams/streamtest"
)

// Files that were replaced by pipes nobody writes to are a problem with a name, and neither the log nor its end hangs at them.
func TestLogin_FileBecomesPipe(t *testing.T) {
	ca := streamtest.NewCA(t)
	operator, creds, _ := operatorServer(t)
	servers := streamtest.Configured(t, func(o *server.Options) {
		operator(o)
		o.TLS, o.TLSVerify, o.TLSConfig = true, true, ca.ServerTLS(t, true)
	})
	c := clusterConfig(t, servers, "a")
	c.Replicas, c.Login = 1, streams.Login{Creds: creds, CA: ca.Path, Cert: ca.ClientCert, Key: ca.ClientKey}
	l := streamtest.Open(t, c)
	for _, path := range []string{creds, ca.Path, ca.ClientKey} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		servers.Stop(0)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		servers.Restart(0)
		waitProblem(t, l, "a file of the login or the certificates cannot be read (not a regular file)")
		if path == ca.ClientKey {
			break // and so it ends
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		waitProblem(t, l, "")
	}
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the log does not end")
	}
}
