package projections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/projections"
	"onsale/streams"
)

// Each test below is a row of the table of crash points, both ways: with the write done and not done. Every one ends with
// the audit and with the comparison of the store and its rebuild (see world).

// failOn fails the log's calls at one point, as often as it says.
func failOn(stream string, at streams.HookPoint, times int, err error) streams.Hook {
	var left atomic.Int64
	left.Store(int64(times))
	return func(s string, p streams.HookPoint) error {
		if s == stream && p == at && left.Add(-1) >= 0 {
			return err
		}
		return nil
	}
}

var errStaged = errors.New("staged")

// A client that hears nothing asks again with the same key, and there is one outcome, whether or not the first try got through.
func TestCrash_AppendBeforePubAck(t *testing.T) {
	for name, at := range map[string]streams.HookPoint{"not stored": streams.BeforeSend, "stored": streams.AfterStore} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.promotion("demo", 10)
			w.log.SetHook(failOn("COMMANDS", at, 1, errStaged))
			c := command("kim", "k", "demo", coupons.Issue{})
			if _, err := w.log.Append(t.Context(), c); !errors.Is(err, domain.ErrUnknown) && (at == streams.AfterStore || err == nil) {
				t.Fatalf("got %v, want outcome unknown", err)
			}
			o := w.do(c)
			if o.Type != "coupons.issued" || !strings.Contains(string(o.Data), `"number":1`) {
				t.Errorf("got %s %s, want coupon 1", o.Type, o.Data)
			}
			if again := w.do(c); again.Event != o.Event {
				t.Errorf("asked a third time: event %d, want %d", again.Event, o.Event)
			}
		})
	}
}

// The checkpoint has not moved: the same commands are decided again, by a node that goes on and by one that starts again.
func TestCrash_BeforeCommit(t *testing.T) {
	t.Run("goes on", func(t *testing.T) {
		w := newWorld(t)
		w.promotion("demo", 10)
		w.close()
		var fails atomic.Int64
		w.beforeCommit = func() error {
			if fails.Add(1) == 1 {
				return errStaged
			}
			return nil
		}
		w.start()
		w.rush(30, "demo")
		w.settle()
	})
	t.Run("starts again", func(t *testing.T) {
		w := newWorld(t)
		w.promotion("demo", 10)
		w.close()
		w.beforeCommit = func() error { return errStaged }
		w.start()
		w.rush(30, "demo")
		w.close()
		w.beforeCommit = nil
		w.start()
		w.settle()
	})
}

// The outbox is ahead of EVENTS: by nothing, by all, by a part of a batch, or EVENTS has it and the ack is lost.
func TestCrash_BetweenCommitAndEvents(t *testing.T) {
	for name, hook := range map[string]func() streams.Hook{
		"nothing appended":        func() streams.Hook { return failOn("EVENTS", streams.BeforeSend, 1_000_000, errStaged) },
		"some of it appended":     func() streams.Hook { return failOn("EVENTS", streams.BeforeSend, 1, streams.OnlyFirst(2)) },
		"appended, ack lost":      func() streams.Hook { return failOn("EVENTS", streams.AfterStore, 1, errStaged) },
		"appended, no ack at all": func() streams.Hook { return failOn("EVENTS", streams.AfterStore, 1_000_000, errStaged) },
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				w := newWorld(t)
				w.promotion("demo", 10)
				w.log.SetHook(hook())
				w.rush(30, "demo")
				if restart {
					w.waitDecided()
					w.close()
					w.start()
				} else {
					log := w.log
					time.AfterFunc(300*time.Millisecond, func() { log.SetHook(nil) })
				}
				w.settle()
			})
		}
	}
}

// waitDecided waits until everything is committed; it may not be in EVENTS.
func (w *world) waitDecided() {
	w.tb.Helper()
	state, err := w.log.State(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	for w.p.Status().Decided < state.Commands.Last*domain.PlacesPerMessage {
		time.Sleep(time.Millisecond)
	}
}

// A command of two events, of which EVENTS has one, beside a store that is lost: the rebuild ends before the command, it is
// decided again, and what EVENTS has of it is compared.
func TestCrash_StoreLostWithinCommand(t *testing.T) {
	w := newWorld(t)
	w.schedule("demo", 1)
	w.do(command("kim", "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{1, 2}}))
	w.close()
	time.Sleep(1100 * time.Millisecond) // the hold is due, and the next command tells it first
	w.openLog()
	w.log.SetHook(failOn("EVENTS", streams.BeforeSend, 1_000_000, streams.OnlyFirst(1)))
	if _, err := w.log.Append(t.Context(), command("lee", "hold", "demo", seats.Hold{ScheduleSeatIDs: []int{2, 3}})); err != nil {
		t.Fatal(err)
	}
	w.openProjector()
	w.waitDecided()
	w.close()
	if err := os.Remove(w.path()); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.settle()
	o, ok, err := w.p.Request(domain.NewRequestID("lee", "hold"))
	if err != nil || !ok || o.Type != "seats.held" {
		t.Errorf("got %+v %v %v, want lee's hold", o, ok, err)
	}
}

func (w *world) schedule(id string, holdSeconds int) {
	w.tb.Helper()
	w.do(command("admin", "create "+id, id, seats.Create{Title: id, HoldSeconds: holdSeconds, MaxSeatsPerUser: 4,
		Sections: []seats.Section{{Name: "A", Price: 1000, Rows: []seats.Row{{Name: "1", Seats: 50}}}}}))
}

// A file that is no store any more is put aside, said so, and made anew.
func TestCrash_StoreDamaged(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"overwritten": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage ", 4096)), 0o600) },
		"cut short":   func(path string) error { return os.Truncate(path, 5000) },
		"a page in the middle": func(path string) error {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			junk := []byte(strings.Repeat("\xff", 4096))
			for page := int64(4); page < 12; page++ {
				if _, err := f.WriteAt(junk, page*4096); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.promotion("demo", 100)
			w.rush(50, "demo")
			w.settle()
			w.close()
			if err := damage(w.path()); err != nil {
				t.Fatal(err)
			}
			w.start()
			if w.opening.Rebuilt == "" {
				t.Error("the damage was not noticed")
			}
			if aside, _ := filepath.Glob(w.path() + ".damaged-*"); len(aside) != 1 {
				t.Errorf("got %v, want the damaged file put aside", aside)
			}
			w.settle()
		})
	}
}

// A file that another version of the program has written lacks what that one did not know.
func TestCrash_StoreOfAnotherLayout(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 100)
	w.rush(50, "demo")
	w.settle()
	w.close()
	db, err := bolt.Open(w.path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte("meta"))
		_, epoch, _ := strings.Cut(string(meta.Get([]byte("epoch"))), " ")
		return errors.Join(meta.Put([]byte("epoch"), []byte("2 "+epoch)), tx.DeleteBucket([]byte("orders")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	w.start()
	if !strings.Contains(w.opening.Rebuilt, `layout "2"`) {
		t.Errorf("made anew because %q, want because of its layout", w.opening.Rebuilt)
	}
}

// The power goes, and the logs lose their last second while the store, which is synced, is ahead. What was told stands.
func TestCrash_PowerLoss(t *testing.T) {
	w := newWorld(t)
	w.promotion("demo", 100)
	w.rush(20, "demo")
	w.settle()
	w.close()
	before := filepath.Join(t.TempDir(), "jetstream")
	copyTree(t, filepath.Join(w.dir, "jetstream"), before)

	w.start()
	o := w.do(command("kim", "k", "demo", coupons.Issue{}))
	w.do(command("lee", "k", "demo", coupons.Issue{}))
	w.close()
	if err := os.RemoveAll(filepath.Join(w.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	copyTree(t, before, filepath.Join(w.dir, "jetstream"))

	w.start()
	w.settle()
	if w.opening.Voids != 2 {
		t.Errorf("got %d messages filled, want 2", w.opening.Voids)
	}
	got, ok, err := w.p.Request(domain.NewRequestID("kim", "k"))
	if err != nil || !ok || got.Event != o.Event || string(got.Data) != string(o.Data) {
		t.Errorf("got %+v %v %v, want what was told: %+v", got, ok, err, o)
	}
	if o := w.do(command("park", "k", "demo", coupons.Issue{})); !strings.Contains(string(o.Data), `"number":23`) {
		t.Errorf("got %s, want coupon 23", o.Data)
	}
}

// The same with more lost than the outbox holds: nothing can be completed, so nothing is decided.
func TestCrash_LogLostMoreThanTheOutboxHolds(t *testing.T) {
	w := newWorld(t)
	w.keep = 0
	w.close()
	w.start()
	w.promotion("demo", 100)
	w.rush(20, "demo")
	w.settle()
	w.close()
	before := filepath.Join(t.TempDir(), "jetstream")
	copyTree(t, filepath.Join(w.dir, "jetstream"), before)

	w.start()
	for i := range 5 {
		w.do(command(fmt.Sprint("kim", i), "k", "demo", coupons.Issue{}))
	}
	w.close()
	after := filepath.Join(t.TempDir(), "jetstream")
	if err := os.Rename(filepath.Join(w.dir, "jetstream"), after); err != nil {
		t.Fatal(err)
	}
	copyTree(t, before, filepath.Join(w.dir, "jetstream"))
	w.openLog()
	if err := w.tryProjector(); !errors.Is(err, projections.ErrUnsound) || !strings.Contains(err.Error(), "backwards") {
		t.Errorf("got %v, want a log that has gone backwards", err)
	}
	w.close()

	// With the right log back in its place everything goes on.
	if err := os.RemoveAll(filepath.Join(w.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	copyTree(t, after, filepath.Join(w.dir, "jetstream"))
	w.start()
	w.settle()
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
