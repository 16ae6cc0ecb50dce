package streams_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// A log of several blocks is copied while it is written, and nats-server reads the copy as it reads the log.
func TestBackup_CopiesBlocks(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	const count = 20_000
	records := recordChain(t, 0, domain.Hash{}, count)
	if err := l.AppendEvents(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if _, err := l.Append(t.Context(), issueCommand(n)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := streams.Backup(t.Context(), c.Dir, "", filepath.Join(t.TempDir(), "short"))
	if err == nil || !strings.Contains(err.Error(), "COMMANDS ends at message 20") { // its events answer 20,000 messages
		t.Fatal(err)
	}
	if err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	l.Close()
	stored, err := streams.OpenStored(c.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := stored.PadCommands(t.Context(), count); err != nil {
		t.Fatal(err)
	}
	stored.Close()
	to := filepath.Join(t.TempDir(), "restored")
	copied, err := streams.Restore(t.Context(), c.Dir, to, "", c.Logger)
	if err != nil || copied.Events != count || copied.Messages != count {
		t.Fatal(copied, err)
	}
	if blocks, _ := filepath.Glob(filepath.Join(to, "jetstream", "*", "streams", "EVENTS", "msgs", "*.blk")); len(blocks) < 2 {
		t.Errorf("want several blocks, got %v", blocks)
	}
	c.Dir = to
	restored := streamtest.Open(t, c)
	if restored.Epoch() == l.Epoch() || restored.Epoch() != copied.Epoch {
		t.Errorf("epoch %s, want a new one, %s", restored.Epoch(), copied.Epoch)
	}
	for record, err := range restored.Events(testContext(t), 1, "") {
		if err != nil {
			t.Fatal(err)
		}
		if want := records[record.Number-1]; record.Hash != want.Hash || record.Subject != want.Subject || !bytes.Equal(record.Payload, want.Payload) {
			t.Fatalf("event %d differs", record.Number)
		}
		if record.Number == count {
			break
		}
	}
	if err := restored.AppendEvents(t.Context(), recordChain(t, count, records[count-1].Hash, 1)); err != nil {
		t.Error(err)
	}
}

// A log that was not closed in order may end in a torn record; one that was closed may not.
func TestOpen_TornEnd(t *testing.T) {
	for _, closed := range []bool{true, false} {
		c := streamtest.Config(t, t.TempDir())
		l := streamtest.Open(t, c)
		if err := l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 10)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		block, _ := filepath.Glob(filepath.Join(c.Dir, "jetstream", "*", "streams", "EVENTS", "msgs", "1.blk"))
		info, err := os.Stat(block[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(block[0], info.Size()-5); err != nil {
			t.Fatal(err)
		}
		if !closed {
			if err := os.WriteFile(filepath.Join(c.Dir, "onsale.lock"), []byte("4711\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, err = streams.Open(t.Context(), c)
		if closed {
			if !errors.Is(err, streams.ErrDamaged) {
				t.Errorf("closed in order: %v, want ErrDamaged", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if s := state(t, l); s.Events.Last != 9 || s.Events.CheckContiguous() != nil {
			t.Errorf("%+v, want 9 events", s.Events)
		}
		l.Close()
	}
}
