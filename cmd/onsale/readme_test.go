package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsale/config"
)

// The README's session is run word for word, on another port. Only what differs from run to run is made alike first: the
// log's epoch, the ids of requests without a key, and times.
func TestREADME_session(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("the README's session needs curl: ", err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	base := startDemo(t)
	ran := 0
	for _, block := range consoleBlocks(string(readme)) {
		for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(step, "\n")
			got, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "http://127.0.0.1:8080", base)).Output()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if alike(string(got)) != alike(want) {
				t.Errorf("%s\ngot  %s\nwant %s", line, alike(string(got)), alike(want))
			}
			ran++
		}
	}
	if ran < 6 {
		t.Errorf("the README has %d commands with answers, which is too few to be its session", ran)
	}
}

func consoleBlocks(text string) []string {
	var blocks []string
	for _, part := range strings.Split(text, "```console\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

var changing = []struct{ pattern, name string }{
	{`\b[0-9a-z]{8}-(\d+)`, "epoch-$1"},
	{`"requestId":"[A-Za-z0-9_-]{22}"`, `"requestId":"…"`},
	{`requests/[A-Za-z0-9_-]{22}`, "requests/…"},
	{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, "time"},
}

func alike(s string) string {
	for _, c := range changing {
		s = regexp.MustCompile(c.pattern).ReplaceAllString(s, c.name)
	}
	return strings.TrimSpace(s)
}

// startDemo runs a node with the demo in this process and gives its address.
func startDemo(t *testing.T) string {
	t.Helper()
	cfg := config.Default()
	cfg.Demo, cfg.Data = true, t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := openNode(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := n.close(); err != nil {
			t.Error(err)
		}
	})
	base := "http://" + l.Addr().String()
	for range 200 {
		if answer, err := http.Get(base + "/api/v1/schedules/demo"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return base
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the demo does not open")
	return ""
}
