package command_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"onsale/cmd/onsale/command"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// Nodes are listed; one that is alive is not removed, one that is gone is, and a second node of a name is refused with a hint.
func TestNodes_ListsAndRemoves(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	log := streamtest.Open(t, streams.Config{URLs: servers.URLs, Node: "box-1", Replicas: 1, CommandsMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20,
		Logger: slog.New(slog.DiscardHandler)})
	consumer, err := log.ConsumeCommands(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Stop()
	run := func(code int, want string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		got := command.Run(t.Context(), append(args, "--nats-url", servers.URLs[0]), &stdout, &stderr, nil)
		if output := stdout.String() + stderr.String(); got != code || !strings.Contains(output, want) {
			t.Errorf("%v: exit code %d, %s; want %d and %q", args, got, output, code, want)
		}
	}
	serve := []string{"serve", "--nats-replicas", "1", "--node", "box-1", "--data", t.TempDir(), "--listen", "127.0.0.1:0",
		"--log-commands-max-bytes", "64MiB", "--log-events-max-bytes", "64MiB"}
	run(1, `a node of this name is running: "box-1" is process `, serve...)
	run(1, "set it with --node", serve...)
	run(0, "box-1  process ", "nodes")
	run(1, "hint: stop it first", "nodes", "--remove", "box-1")
	consumer.Stop()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	run(0, "box-1  no ", "nodes")
	run(0, "removed box-1", "nodes", "--remove", "box-1")
	run(1, "lists them", "nodes", "--remove", "box-1")
}
