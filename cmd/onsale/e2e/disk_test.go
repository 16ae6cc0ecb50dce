// What happens to a node's files: they vanish, are damaged, are backed up, restored and repaired.

package e2e

import (
	"bytes"
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
				checkRefused(t, copied, stream)
			})
		}
	}
}

// The end of a log that was closed in order is damaged. A start or an audit that refuses it does not make that look like the torn end
// of a power loss, which nats-server may cut off.
func TestDamagedEnd_IsRefusedAgain(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	for i := range 20 {
		node.IssueCoupons(ctx, client, fmt.Sprint("u", i))
	}
	process.Terminate(t)
	block := firstBlock(node, "COMMANDS")
	content, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)*9/10] ^= 16
	if err := os.WriteFile(block, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		checkRefused(t, node, "COMMANDS")
		node.RunToolWithin(30*time.Second, "audit", "--data", node.Data)
	}
	if now, err := os.ReadFile(block); err != nil || !bytes.Equal(now, content) {
		t.Errorf("the log was changed: %v", err)
	}
}

// checkRefused starts a node whose log is damaged.
func checkRefused(t *testing.T, node *harness.Node, stream string) {
	t.Helper()
	started := time.Now()
	_, stderr, code := node.RunToolWithin(60*time.Second, "serve", "--data", node.Data, "--listen", node.Addr)
	took := time.Since(started).Round(10 * time.Millisecond)
	t.Logf("exit code %d after %v: %s", code, took, lastLine(stderr))
	if code != 1 || took > 5*time.Second || !strings.Contains(stderr, stream+" is damaged") || !strings.Contains(stderr, "onsale repair") {
		t.Errorf("exit code %d after %v, want 1 within 5 s, %s and what to do", code, took, stream)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " | ")
}

// A backup of a running node is restored: the events are the same, the epoch is new, and an id of the old log gets a reset.
func TestBackup_RestoresAsNewEpoch(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 90*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	node.IssueCoupons(ctx, client, "u1", "u2", "u3")
	backup := filepath.Join(t.TempDir(), "backup")
	mustRun(t, node, 0, "backup", backup, "--data", node.Data)
	node.IssueCoupons(ctx, client, "u4", "u5")
	head := node.MustDo(ctx, client, "GET", "/api/v1/promotions/demo", "").Header.Get("Last-Event-ID")
	process.Terminate(t)
	mustRun(t, node, 1, "backup", backup, "--data", node.Data) // it is not empty
	mustRun(t, node, 0, "audit", "--data", backup)

	restored := harness.NewNode(t, "--demo")
	mustRun(t, node, 0, "restore", backup, "--data", restored.Data)
	mustRun(t, node, 0, "audit", "--data", restored.Data)
	old, _, _ := node.RunTool("replay", "--data", node.Data, "--format", "jsonl")
	again, _, _ := node.RunTool("replay", "--data", restored.Data, "--format", "jsonl")
	oldEpoch, _, _ := strings.Cut(head, "-")
	newEpoch := epochOf(t, again)
	if oldEpoch == newEpoch || !strings.HasPrefix(strings.ReplaceAll(old, oldEpoch+"-", newEpoch+"-"), again) || strings.Count(again, "\n") != 8 {
		t.Errorf("restored as epoch %s of %s:\n%s", newEpoch, oldEpoch, again)
	}
	process = restored.StartDemo()
	restored.IssueCoupons(ctx, client, "v4", "v5", "v6", "v7")
	streamCtx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(streamCtx, "GET", restored.URL()+"/api/v1/schedules/demo/seats/events", nil)
	request.Header.Set("Last-Event-ID", head)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 512)
	n, _ := response.Body.Read(first)
	response.Body.Close()
	if !strings.Contains(string(first[:n]), "reset") {
		t.Errorf("a stream with an id of the old log begins with %q, want a reset", first[:n])
	}
	process.Terminate(t)
	restored.MustAudit()
}

func epochOf(t *testing.T, replay string) string {
	t.Helper()
	_, id, ok := strings.Cut(replay, `"eventId":"`)
	if !ok {
		t.Fatalf("no event in %q", replay)
	}
	return id[:8]
}

func mustRun(t *testing.T, node *harness.Node, want int, args ...string) string {
	t.Helper()
	stdout, stderr, code := node.RunTool(args...)
	if code != want {
		t.Fatalf("onsale %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout + stderr
}

// Random bits of both logs are flipped, of a node that was closed in order. A start names the damage and changes nothing; repair
// heals EVENTS from the read store, byte for byte, and COMMANDS only by no-ops and only when asked. Then audit accepts both and the
// node sells on. With ONSALE_TEST_LONG 20 of each log.
func TestRepair_RandomFlips(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 300*time.Second), harness.NewHTTPClient(t, 0)
	rng := harness.NewRNG(t)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	for i := range 40 {
		node.IssueCoupons(ctx, client, fmt.Sprint("u", i))
	}
	process.Terminate(t)
	whole, _, _ := node.RunTool("replay", "--data", node.Data, "--format", "jsonl")
	flips := 4
	if harness.Long() {
		flips = 20
	}
	for _, stream := range []string{"EVENTS", "COMMANDS"} {
		for range flips {
			copied := copyNode(t, node)
			block := firstBlock(copied, stream)
			content, err := os.ReadFile(block)
			if err != nil {
				t.Fatal(err)
			}
			bit := rng.IntN(8 * len(content))
			content[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(block, content, 0o600); err != nil {
				t.Fatal(err)
			}
			started := time.Now()
			_, stderr, code := copied.RunToolWithin(30*time.Second, "serve", "--data", copied.Data, "--listen", copied.Addr)
			took := time.Since(started).Round(10 * time.Millisecond)
			if code != 1 || !strings.Contains(stderr, stream+" is damaged") || took > 5*time.Second {
				t.Errorf("%s, byte %d: exit code %d after %v, want 1 and the damage\n%s", stream, bit/8, code, took, stderr)
			}
			damage, _, _ := strings.Cut(strings.TrimPrefix(stderr, "onsale: "), " (")
			result := ""
			if stream == "EVENTS" {
				mustRun(t, copied, 0, "repair", "--data", copied.Data)
				healed, _, _ := copied.RunTool("replay", "--data", copied.Data, "--format", "jsonl")
				if result = "healed, equal byte for byte"; healed != whole {
					t.Errorf("%s, byte %d: healed to another log", stream, bit/8)
				}
			} else {
				mustRun(t, copied, 1, "repair", "--data", copied.Data)
				mustRun(t, copied, 0, "repair", "--accept-lost-commands", "--data", copied.Data)
				result = "no-op on request, outcomes kept"
			}
			mustRun(t, copied, 0, "audit", "--data", copied.Data)
			process := copied.StartDemo()
			copied.IssueCoupons(ctx, client, "later")
			process.Terminate(t)
			copied.MustAudit()
			t.Logf("%-8s byte %6d | start: exit 1 after %v, %s | repair: %s, audit ok, sells on", stream, bit/8, took, damage, result)
		}
	}
}
