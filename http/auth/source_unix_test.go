//go:build unix

package auth

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A file of keys that became a pipe nobody writes to holds no request: the known keys go on.
func TestKeySet_FileBecomesPipe(t *testing.T) {
	path := writeSet(t, "ed")
	a, err := newAuthenticator(Config{Mode: JWT, JWKS: path}, time.Hour, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	expect(t, a, tokenOf(t, "rs"), "the token's key is unknown")
	expect(t, a, tokenOf(t, "ed"), "user kim")
	if took := time.Since(began); took > 30*time.Second || len(a.Notes()) != 1 {
		t.Errorf("took %v, notes %q", took, a.Notes())
	}
}
