package streams_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// TestLogFiles_ReadWhatTheServerReads compares the files of a log, of which one part is damaged then, with what a server reads.
func TestLogFiles_ReadWhatTheServerReads(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.Prefix = "shop"
	l := streamtest.Open(t, c)
	const count = 30
	for range count {
		if _, err := l.Append(t.Context(), issueCommand(1)); err != nil {
			t.Fatal(err)
		}
	}
	records := recordChain(t, 0, domain.Hash{}, count)
	if err := l.AppendEvents(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	var batches []domain.Batch
	for batch, err := range l.CommandBatches(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if batches = append(batches, batch); len(batches) == count {
			break
		}
	}
	if _, err := streams.OpenFiles(t.Context(), c.Dir, c.Prefix, slog.Default()); !errors.Is(err, streams.ErrLocked) {
		t.Fatalf("opened beside a node: %v", err)
	}
	epoch, want := l.Epoch(), state(t, l)
	l.Close()
	lock, err := os.ReadFile(filepath.Join(c.Dir, "onsale.lock"))
	if err != nil {
		t.Fatal(err)
	}

	files, err := streams.OpenFiles(t.Context(), c.Dir, c.Prefix, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := files.State(t.Context())
	if files.Epoch() != epoch || got.Events.Last != want.Events.Last || got.Commands.Last != want.Commands.Last ||
		got.Events.CheckContiguous() != nil || got.Commands.CheckContiguous() != nil {
		t.Fatalf("epoch %s, state %+v, want %s, %+v", files.Epoch(), got, epoch, want)
	}
	for _, from := range []uint64{1, 7, count, count + 1} {
		var read []domain.Batch
		for batch, err := range files.CommandBatches(t.Context(), from) {
			if err != nil {
				t.Fatal(err)
			}
			read = append(read, batch)
		}
		if len(read) != count+1-int(from) || len(read) > 0 && !reflect.DeepEqual(read, batches[from-1:]) {
			t.Fatalf("from %d: %d messages differ", from, len(read))
		}
		next := from - 1
		for record, err := range files.Events(t.Context(), from, "") {
			if err != nil || !reflect.DeepEqual(record, records[next]) {
				t.Fatalf("event %d: %+v, %v, want %+v", next+1, record, err, records[next])
			}
			next++
		}
		if next != count {
			t.Fatalf("from %d: events end at %d", from, next)
		}
	}
	for record := range files.Events(t.Context(), 1, "evt.nothing.>") {
		t.Fatalf("the filter lets %+v pass", record)
	}
	files.Close()
	if after, _ := os.ReadFile(filepath.Join(c.Dir, "onsale.lock")); string(after) == "" || len(lock) == 0 {
		t.Fatalf("the lock has %q, had %q", after, lock)
	}
	streamtest.Open(t, c).Close() // it still counts as closed in order

	blocks, _ := filepath.Glob(filepath.Join(c.Dir, "jetstream", "*", "streams", "shop_EVENTS", "msgs", "*.blk"))
	content, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(blocks[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := streams.OpenFiles(t.Context(), c.Dir, c.Prefix, slog.Default()); !errors.Is(err, streams.ErrDamaged) {
		t.Fatalf("opened a damaged log: %v", err)
	}
}
