package streamtest

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ServeConfigFile runs a nats-server with a configuration file, on a free port of 127.0.0.1, until the test ends.
func ServeConfigFile(tb testing.TB, path string) (url string) {
	tb.Helper()
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	options.Host, options.Port, options.StoreDir = "127.0.0.1", server.RANDOM_PORT, tb.TempDir()
	options.NoSigs, options.NoLog = true, true
	s, err := server.NewServer(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		tb.Fatal("the server is not ready")
	}
	return s.ClientURL()
}
