package streams_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func TestEpoch_SurvivesReopen(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	epoch := l.Epoch()
	if !regexp.MustCompile(`^[0-9a-z]{8}$`).MatchString(epoch) || !l.Embedded() {
		t.Fatal(epoch)
	}
	if s := state(t, l); s.Commands.CheckContiguous() != nil || s.Events.CheckContiguous() != nil || s.Commands.Last != 0 {
		t.Fatalf("%+v", s)
	}
	if _, err := l.Append(t.Context(), issueCommand(1)); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l.Close()
	if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, domain.ErrClosed) {
		t.Fatal(err)
	}
	if _, err := l.State(t.Context()); !errors.Is(err, domain.ErrClosed) {
		t.Fatal(err)
	}
	if l = streamtest.Open(t, c); l.Epoch() != epoch || state(t, l).Commands.Last != 1 {
		t.Fatal(l.Epoch(), epoch)
	}
	if other := streamtest.Start(t).Epoch(); other == epoch {
		t.Fatal("two logs with epoch", epoch)
	}
}

func TestConfig_ReportsAllFaults(t *testing.T) {
	_, err := streams.Open(t.Context(), streams.Config{Node: "a.b"})
	for _, part := range []string{"directory", "node name", "maximum size"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Fatalf("%v, want all faults", err)
		}
	}
}

func TestLock_RefusesSecondOpen(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	second := c
	second.Locked = func() { t.Error("a second process was given the directory") }
	_, err := streams.Open(t.Context(), second)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("held by process %d", os.Getpid())) {
		t.Fatal(err)
	}
	l.Close()
	locked := 0
	c.Locked = func() { locked++ }
	if streamtest.Open(t, c); locked != 1 {
		t.Errorf("the directory was given %d times", locked)
	}
}

func TestReadOnly_RefusesWrites(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	readOnly := streams.Config{Dir: c.Dir, ReadOnly: true, Logger: c.Logger}
	if _, err := streams.Open(t.Context(), readOnly); err == nil {
		t.Fatal("opened a log that does not exist")
	}
	if entries, _ := os.ReadDir(c.Dir); len(entries) > 0 {
		t.Fatal("opening for reading created", entries)
	}
	l := streamtest.Open(t, c)
	l.Append(t.Context(), issueCommand(1))
	l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 1))
	l.Close()

	l = streamtest.Open(t, readOnly)
	if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, streams.ErrReadOnly) {
		t.Error(err)
	}
	if err := l.AppendEvents(t.Context(), nil); !errors.Is(err, streams.ErrReadOnly) {
		t.Error(err)
	}
	if err := l.AppendNoops(t.Context(), 9); !errors.Is(err, streams.ErrReadOnly) {
		t.Error(err)
	}
	if _, err := l.ConsumeCommands(t.Context(), 1); !errors.Is(err, streams.ErrReadOnly) {
		t.Error(err)
	}
	for batch, err := range l.CommandBatches(testContext(t), 1) {
		if err != nil || batch.Commands[0].User != "u1" {
			t.Fatal(batch, err)
		}
		break
	}
	for record, err := range l.Events(testContext(t), 1, "") {
		if err != nil || record.Number != 1 {
			t.Fatal(record, err)
		}
		break
	}
}

// TestOpen_VerifiesStreams damages a good log in one way each.
func TestOpen_VerifiesStreams(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		damage func(js jetstream.JetStream) error
		want   string // part of the error; "" if it must open
	}{
		"commands lost": {func(js jetstream.JetStream) error { return js.DeleteStream(ctx, "COMMANDS") }, "COMMANDS is missing"},
		"events lost":   {func(js jetstream.JetStream) error { return js.DeleteStream(ctx, "EVENTS") }, "EVENTS is missing"},
		"both lost": {func(js jetstream.JetStream) error {
			return errors.Join(js.DeleteStream(ctx, "EVENTS"), js.DeleteStream(ctx, "COMMANDS"))
		}, ""},
		"no limit on messages": {func(js jetstream.JetStream) error {
			return updateStream(js, "EVENTS", func(c *jetstream.StreamConfig) { c.MaxMsgs, c.AllowAtomicPublish = 5, false })
		}, "EVENTS: allow_atomic is unset, want true; EVENTS: max_msgs is 5, want unlimited"},
		"discards old messages": {func(js jetstream.JetStream) error {
			return updateStream(js, "COMMANDS", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld })
		}, "COMMANDS: discard"},
		"another epoch": {func(js jetstream.JetStream) error {
			return updateStream(js, "COMMANDS", func(c *jetstream.StreamConfig) { c.Metadata = map[string]string{"onsale_epoch": "another1"} })
		}, "different logs"},
		"a description": {func(js jetstream.JetStream) error {
			return updateStream(js, "COMMANDS", func(c *jetstream.StreamConfig) { c.Description, c.Metadata["team"] = "ours", "sales" })
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := streamtest.Config(t, t.TempDir())
			l := streamtest.Open(t, config)
			if _, err := l.Append(ctx, issueCommand(1)); err != nil {
				t.Fatal(err)
			}
			if err := l.AppendEvents(ctx, recordChain(t, 0, domain.Hash{}, 1)); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(l.JetStream()); err != nil {
				t.Fatal(err)
			}
			l.Close()
			l, err := streams.Open(ctx, config)
			if err == nil {
				defer l.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

func updateStream(js jetstream.JetStream, stream string, f func(c *jetstream.StreamConfig)) error {
	s, err := js.Stream(context.Background(), stream)
	if err != nil {
		return err
	}
	c := s.CachedInfo().Config
	f(&c)
	_, err = js.UpdateStream(context.Background(), c)
	return err
}

// TestOpen_CompletesPartialCreation opens an empty COMMANDS without EVENTS, as a crash between the two leaves it.
func TestOpen_CompletesPartialCreation(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	epoch := l.Epoch()
	if err := l.JetStream().DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = streamtest.Open(t, c)
	if l.Epoch() != epoch || l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 1)) != nil {
		t.Fatal(l.Epoch())
	}
}

// TestOpen_RefusesUnreadableStream has a stream on disk that nats-server cannot load and leaves out of its answers.
func TestOpen_RefusesUnreadableStream(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	streamtest.Open(t, c).Close()
	metas, _ := filepath.Glob(filepath.Join(c.Dir, "jetstream", "*", "streams", "*", "meta.inf"))
	if len(metas) != 2 {
		t.Fatal(metas)
	}
	for _, meta := range metas {
		if err := os.WriteFile(meta, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := streams.Open(t.Context(), c); err == nil {
		l.Close()
		t.Fatal("opened as a new log")
	} else if !strings.Contains(err.Error(), "could not be recovered") {
		t.Fatal(err)
	}
}

func TestOpen_ReportsServerStartFailure(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	if err := os.WriteFile(filepath.Join(c.Dir, "jetstream"), nil, 0o600); err != nil { // a file instead of a directory
		t.Fatal(err)
	}
	if l, err := streams.Open(t.Context(), c); err == nil {
		l.Close()
		t.Fatal("the server started")
	} else {
		t.Log(err)
	}
}

func TestServerConfig_ReadsFile(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.ServerConfig = filepath.Join(c.Dir, "nats.conf")
	os.WriteFile(c.ServerConfig, []byte("listen: \"127.0.0.1:-1\"\nserver_name: fromfile\n"), 0o600)
	streamtest.Open(t, c).Close()
	os.WriteFile(c.ServerConfig, []byte("listen: {{"), 0o600)
	if _, err := streams.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "configuration") {
		t.Fatal(err)
	}
}

func TestOpen_StopsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c := streamtest.Config(t, "")
	c.URLs = []string{"nats://127.0.0.1:1"}
	if l, err := streams.Open(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		l.Close()
		t.Fatal(err)
	}
}

func TestOpen_RefusesReplicasOnOneServer(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.Replicas = 3
	if l, err := streams.Open(t.Context(), c); err == nil {
		l.Close()
		t.Fatal("opened with three replicas on one server")
	} else if !strings.Contains(err.Error(), "replicas") {
		t.Fatal(err)
	}
}
