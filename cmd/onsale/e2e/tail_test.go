// The feed at a terminal, over kills of its node.

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// onsale tail prints each event once and in order, also those that happen while its node is killed and started again, and ends on
// SIGINT with exit code 0.
func TestTail_SurvivesKills(t *testing.T) {
	t.Parallel()
	ctx := harness.TimeoutContext(t, 2*time.Minute)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	tail := exec.CommandContext(ctx, "onsale", "tail", "--target", node.URL(), "--json", "--from", beginning(t, node), "--type", "coupons.*")
	var stderr strings.Builder
	tail.Stderr = &stderr
	stdout, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	expect := func(want string) {
		t.Helper()
		var got struct{ Type, UserID string }
		if !lines.Scan() {
			t.Fatalf("tail has ended: %v\n%s", lines.Err(), &stderr)
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil || got.Type+" "+got.UserID != want {
			t.Fatalf("got %s %v, want %s", lines.Bytes(), err, want)
		}
	}
	expect("coupons.created admin") // demo, and …
	expect("coupons.created admin") // … concert
	for run := range 2 {
		for i := range 5 {
			user := fmt.Sprintf("kim%d-%d", run, i)
			harness.MustCommand(t, node.URL(), user, "/api/v1/promotions/demo/coupons", "")
			harness.MustCommand(t, node.URL(), user, "/api/v1/schedules/demo/seats/release", `{"scheduleSeatIds":[1]}`) // not printed
			expect("coupons.issued " + user)
		}
		process.Kill()
		process = node.Start()
	}
	if err := tail.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("another line: %s", lines.Text())
	}
	if err := tail.Wait(); err != nil || strings.Contains(stderr.String(), "does not know the position") {
		t.Errorf("tail ended with %v\n%s", err, &stderr)
	}
	process.Terminate(t)
}

// beginning is the position before the first event of a node's log.
func beginning(t *testing.T, node *harness.Node) string {
	t.Helper()
	response := node.MustDo(t.Context(), harness.NewHTTPClient(t, 1), "GET", "/api/v1/promotions/demo", "")
	epoch, _, _ := strings.Cut(response.Header.Get("Last-Event-ID"), "-")
	return epoch + "-0"
}
