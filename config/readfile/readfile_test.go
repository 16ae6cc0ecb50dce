package readfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRegular_ReadsSmallFiles(t *testing.T) {
	dir := t.TempDir()
	small, link, large := filepath.Join(dir, "small"), filepath.Join(dir, "link"), filepath.Join(dir, "large")
	for path, size := range map[string]int{small: MaxSize, large: MaxSize + 1} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("small", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		small: "", link: "", large: "larger than 1048576 bytes", dir: "not a regular file", filepath.Join(dir, "none"): "no such file",
	} {
		text, err := Regular(path)
		if want == "" && (err != nil || len(text) != MaxSize) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %d bytes and %v, want %q", path, len(text), err, want)
		}
	}
}

// Storage that hangs is waited for a while, by one goroutine, and read again when it is back.
func TestReader_BoundsHungStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		var reads atomic.Int64
		r := NewReader("key.pem")
		r.read = func(string) ([]byte, error) {
			reads.Add(1)
			<-back
			return []byte("text"), nil
		}
		for range 3 {
			began := time.Now()
			if _, err := r.Read(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != timeout {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if _, err := r.Read(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("at shutdown: got %v after %v", err, time.Since(began))
		}
		if got := reads.Load(); got != 1 {
			t.Errorf("%d reads hang, want 1", got)
		}
		close(back)
		for range 2 {
			if text, err := r.Read(t.Context()); err != nil || string(text) != "text" {
				t.Errorf("afterwards: got %q and %v", text, err)
			}
		}
	})
}
