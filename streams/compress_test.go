package streams_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

const manyEvents = 40_000 // of three blocks

// manyBlocks writes two whole blocks of events and a part of a third, and closes the log.
func manyBlocks(t *testing.T, l *streams.Log, c streams.Config) []domain.Record {
	t.Helper()
	records := recordChain(t, 0, domain.Hash{}, manyEvents)
	for first := 0; first < manyEvents; first += 5000 {
		if err := l.AppendEvents(t.Context(), records[first:first+5000]); err != nil {
			t.Fatal(err)
		}
		if err := l.CheckFiles(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := l.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if info.CachedInfo().Config.Compression == jetstream.S2Compression {
		for !streams.IsCompressed(c.Dir, "EVENTS", 1) || !streams.IsCompressed(c.Dir, "EVENTS", 2) {
			if err := l.CheckFiles(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // the server says nothing when it has compressed a block
		}
	}
	if err := l.CheckFiles(); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, l, records)
	l.Close()
	return records
}

// wantRecords reads the log as tools and readers do, and its files. Records stay as they were read.
func wantRecords(t *testing.T, l *streams.Log, want []domain.Record) {
	t.Helper()
	for _, from := range []uint64{1, uint64(len(want)) / 4} { // from files, and by a consumer
		var got []domain.Record
		for record, err := range l.Events(testContext(t), from, "") {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, record); record.Number == uint64(len(want)) {
				break
			}
		}
		sameRecords(t, got, want[from-1:])
	}
	if s := state(t, l); s.Events.Last != uint64(len(want)) || s.Events.CheckContiguous() != nil {
		t.Fatalf("%+v, want %d events", s.Events, len(want))
	}
}

func sameRecords(t *testing.T, got, want []domain.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, w := range want {
		if r := got[i]; r.Number != w.Number || r.Hash != w.Hash || r.Subject != w.Subject || !bytes.Equal(r.Payload, w.Payload) {
			t.Fatalf("event %d differs", w.Number)
		}
	}
}

func copyDir(t *testing.T, c streams.Config) streams.Config {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	c.Dir = to
	return c
}

// notClosed makes a data directory look as after a kill.
func notClosed(t *testing.T, c streams.Config) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.Dir, "onsale.lock"), []byte("4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func blockFile(t *testing.T, c streams.Config, name string) string {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(c.Dir, "jetstream", "*", "streams", "EVENTS", "msgs", name))
	if len(paths) != 1 {
		t.Fatalf("%s: %v", name, paths)
	}
	return paths[0]
}

// goOn opens a log, appends to it, opens it again and reads all of it.
func goOn(t *testing.T, c streams.Config, records []domain.Record) {
	t.Helper()
	l := streamtest.Open(t, c)
	last := len(records)
	records = append(records[:last:last], recordChain(t, uint64(last), records[last-1].Hash, 5)...)
	for i := range 5 { // as single messages, the first of which may be the shortest
		if err := l.AppendEvents(t.Context(), records[last+i:last+i+1]); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	l = streamtest.Open(t, c)
	wantRecords(t, l, records)
	l.Close()
}

// Blocks are compressed by nats-server while the log is in use, and everything reads them.
func TestCompressed_ReadRepairBackup(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	records := manyBlocks(t, streamtest.Open(t, c), c)
	t.Run("goes on", func(t *testing.T) { goOn(t, copyDir(t, c), records) })
	t.Run("read without a server", func(t *testing.T) {
		files, err := streams.OpenFiles(t.Context(), c.Dir, c.Prefix, c.Logger)
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		var got []domain.Record
		for record, err := range files.Events(t.Context(), 1, "") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, record)
		}
		sameRecords(t, got, records)
	})
	t.Run("killed while a block is compressed", func(t *testing.T) {
		c := copyDir(t, c)
		notClosed(t, c)
		if err := streams.UncompressBlock(c.Dir, "EVENTS", 2); err != nil {
			t.Fatal(err)
		}
		goOn(t, c, records)
		if _, err := os.Stat(blockFile(t, c, "2.blk") + ".tmp"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the part of a file was left: %v", err)
		}
	})
	for name, lose := range map[string]func(path string) error{
		"gone":  os.Remove,
		"empty": func(path string) error { return os.Truncate(path, 0) },
		"torn":  func(path string) error { return os.Truncate(path, 100) },
	} {
		t.Run("the newest block is "+name+" after a power loss", func(t *testing.T) {
			c := copyDir(t, c)
			notClosed(t, c)
			if err := lose(blockFile(t, c, "3.blk")); err != nil {
				t.Fatal(err)
			}
			l := streamtest.Open(t, c)
			last := state(t, l).Events.Last
			l.Close()
			if last < manyEvents/4 || last >= manyEvents {
				t.Fatalf("ends at %d", last)
			}
			goOn(t, c, records[:last])
		})
	}
	t.Run("backup", func(t *testing.T) {
		stored, err := streams.OpenStored(c.Dir, "")
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = stored.PadCommands(t.Context(), manyEvents)
		if err := errors.Join(err, stored.Close()); err != nil {
			t.Fatal(err)
		}
		to := c
		to.Dir = filepath.Join(t.TempDir(), "restored")
		copied, err := streams.Restore(t.Context(), c.Dir, to.Dir, "", c.Logger)
		if err != nil || copied.Events != manyEvents {
			t.Fatal(copied, err)
		}
		if !streams.IsCompressed(to.Dir, "EVENTS", 1) {
			t.Error("the blocks of the copy are not compressed")
		}
		goOn(t, to, records)
	})
	t.Run("a flipped bit", func(t *testing.T) {
		for _, closed := range []bool{true, false} {
			c := copyDir(t, c)
			if !closed {
				notClosed(t, c)
			}
			path := blockFile(t, c, "2.blk")
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file[rand.IntN(len(file))] ^= 1 << rand.IntN(8)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := streams.Open(t.Context(), c); !errors.Is(err, streams.ErrDamaged) || !strings.Contains(err.Error(), "2.blk") {
				t.Fatalf("closed in order %t: %v", closed, err)
			}
			stored, err := streams.OpenStored(c.Dir, "")
			if err != nil {
				t.Fatal(err)
			}
			_, damage, err := stored.Check(t.Context())
			if err != nil || len(damage) == 0 {
				t.Fatal(damage, err)
			}
			t.Log(damage)
			_, last, err := stored.RepairEvents(t.Context(), func(first, last uint64, _ domain.Hash) ([]domain.Record, error) {
				return records[first-1 : last], nil
			})
			if err != nil || last != manyEvents {
				t.Fatal(last, err)
			}
			stored.Close()
			goOn(t, c, records)
		}
	})
}

// A log that the last release has begun is neither compressed nor are its hashes short.
func TestCompressed_OldLogs(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	for _, stream := range []string{"COMMANDS", "EVENTS"} {
		if err := updateStream(l.JetStream(), stream, func(c *jetstream.StreamConfig) { c.Compression = jetstream.NoCompression }); err != nil {
			t.Fatal(err)
		}
	}
	l.Close() // nats-server goes on as before until it is started again
	l = streamtest.Open(t, c)
	l.SetHexHashes()
	records := manyBlocks(t, l, c)
	if streams.IsCompressed(c.Dir, "EVENTS", 1) {
		t.Fatal("it is compressed")
	}
	if file, err := os.ReadFile(blockFile(t, c, "1.blk")); err != nil || !bytes.Contains(file, []byte(records[0].Hash.String())) {
		t.Fatal("it has no hashes in hex", err)
	}
	l = streamtest.Open(t, c)
	if problems := l.Problems(); len(problems) > 0 {
		t.Error(problems)
	}
	if err := l.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	l.Close()
	goOn(t, c, records)
}
