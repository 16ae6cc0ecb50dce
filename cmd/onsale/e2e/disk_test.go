package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// streamDir is the directory of one log of a stopped or running node.
func streamDir(node *harness.Node, stream string) string {
	return filepath.Join(node.Data, "jetstream", "$G", "streams", stream)
}

func firstBlock(node *harness.Node, stream string) string {
	return filepath.Join(streamDir(node, stream), "msgs", "1.blk")
}

// waitHalted requires 503 from /readyz within limit, for this reason.
func waitHalted(ctx context.Context, t *testing.T, node *harness.Node, client *http.Client, limit time.Duration, reason string) {
	t.Helper()
	for start := time.Now(); ; harness.Sleep(ctx, 20*time.Millisecond) {
		a := node.MustDo(ctx, client, "GET", "/readyz", "")
		if a.Status == http.StatusServiceUnavailable && strings.Contains(a.Body, reason) {
			t.Logf("after %v: %s", time.Since(start).Round(time.Millisecond), strings.TrimSpace(a.Body))
			return
		}
		if time.Since(start) > limit {
			t.Errorf("after %v: %v, want 503 with %q", time.Since(start).Round(time.Millisecond), a, reason)
			return
		}
	}
}

// The files of the node vanish, or others take their place: the node halts within a second or two, and tells nothing more.
func TestDataDirectory_IsWatched(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	replace := func(path string) error {
		if err := os.Rename(path, path+".old"); err != nil {
			return err
		}
		return os.CopyFS(path, os.DirFS(path+".old"))
	}
	for name, damage := range map[string]func(*harness.Node) error{
		"removed":         func(n *harness.Node) error { return os.RemoveAll(n.Data) },
		"renamed":         func(n *harness.Node) error { return os.Rename(n.Data, n.Data+".old") },
		"replaced":        func(n *harness.Node) error { return replace(n.Data) },
		"log replaced":    func(n *harness.Node) error { return replace(filepath.Join(n.Data, "jetstream")) },
		"stream replaced": func(n *harness.Node) error { return replace(streamDir(n, "EVENTS")) },
		"block removed":   func(n *harness.Node) error { return os.Remove(firstBlock(n, "COMMANDS")) },
		"store removed":   func(n *harness.Node) error { return os.Remove(filepath.Join(n.Data, "store.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			node := harness.NewNode(t, "--demo")
			node.Data = filepath.Join(node.Data, "data")
			process := node.StartDemo()
			defer process.Kill()
			node.IssueCoupons(ctx, client, "u1")
			harness.Sleep(ctx, 500*time.Millisecond) // the log is new: its first blocks are noticed by the next check
			if err := damage(node); err != nil {
				t.Fatal(err)
			}
			waitHalted(ctx, t, node, client, 2*time.Second, "halted: ")
			if a := node.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", "u2"); a.Code() != "halted" {
				t.Errorf("a command got %v, want 503 halted", a)
			}
		})
	}
}

// COMMANDS is restored from an older copy than EVENTS and the store. What the outbox covers is filled with no-ops; further back
// the node halts, and replaces nothing.
func TestShortenedCommands_HaltBeyondOutbox(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	node.IssueCoupons(ctx, client, "u1")
	process.Terminate(t)
	older := filepath.Join(t.TempDir(), "older")
	if err := os.CopyFS(older, os.DirFS(streamDir(node, "COMMANDS"))); err != nil {
		t.Fatal(err)
	}
	process = node.StartDemo()
	harness.Sleep(ctx, 300*time.Millisecond) // events that are confirmed together leave the outbox together
	node.IssueCoupons(ctx, client, "u2", "u3", "u4")
	harness.Sleep(ctx, 2500*time.Millisecond) // the outbox's retention
	node.IssueCoupons(ctx, client, "u5")
	process.Terminate(t)
	if err := os.RemoveAll(streamDir(node, "COMMANDS")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(streamDir(node, "COMMANDS"), os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	process = node.Start()
	waitHalted(ctx, t, node, client, 5*time.Second, "COMMANDS")
	process.Terminate(t)
}

// One bit of a record's length is flipped, in the first quarter of a log: the start ends within seconds, with the name of the log
// and what to do.
func TestFlippedLength_IsNamed(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 180*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	for i := range 12 {
		node.IssueCoupons(ctx, client, fmt.Sprint("u", i))
	}
	harness.Sleep(ctx, 4*time.Second) // what follows is later than the outbox reaches back
	node.IssueCoupons(ctx, client, "later")
	process.Terminate(t)
	for _, stream := range []string{"COMMANDS", "EVENTS"} {
		for _, bit := range []int{2, 9, 22, 30} {
			t.Run(fmt.Sprint(stream, " bit ", bit), func(t *testing.T) {
				copied := copyNode(t, node)
				block := firstBlock(copied, stream)
				content, err := os.ReadFile(block)
				if err != nil {
					t.Fatal(err)
				}
				offset := 0
				for range 3 { // records
					offset += int(binary.LittleEndian.Uint32(content[offset:]) &^ (1 << 31))
				}
				content[offset+bit/8] ^= 1 << (bit % 8)
				if err := os.WriteFile(block, content, 0o600); err != nil {
					t.Fatal(err)
				}
				started := time.Now()
				_, stderr, code := copied.RunToolWithin(60*time.Second, "serve", "--data", copied.Data, "--listen", copied.Addr)
				took := time.Since(started).Round(10 * time.Millisecond)
				t.Logf("exit code %d after %v: %s", code, took, lastLine(stderr))
				if code != 1 || took > 5*time.Second || !strings.Contains(stderr, stream+" is damaged") || !strings.Contains(stderr, "onsale repair") {
					t.Errorf("exit code %d after %v, want 1 within 5 s, %s and what to do", code, took, stream)
				}
			})
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " | ")
}
