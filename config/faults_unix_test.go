//go:build unix

package config

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// No setting makes a start, or a check, wait for a pipe that nobody writes to, or read a device without end.
func TestLoad_ReadsRegularFiles(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		for _, args := range [][]string{
			{"--auth-jwks", path}, {"--tls-cert", path, "--tls-key", path}, {"--nats-context", path}, {"--nats-nkey", path}, {"--nats-creds", path},
			{"--nats-ca", path}, {"--nats-cert", path, "--nats-key", path}, {"--nats-config", path},
		} {
			_, _, err := load(t, nil, args...)
			faults, _ := err.(Faults)
			refused := func(f Fault) bool { return strings.HasSuffix(f.What, ": not a regular file") }
			if !slices.ContainsFunc(faults, refused) {
				t.Errorf("%v: got %v", args, err)
			}
		}
	}
	if _, _, err := load(t, nil, "--config", "/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}
