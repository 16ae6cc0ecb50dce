package projections_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/streams"
)

// notePath is the note about the last run.
func (tn *testNode) notePath() string { return tn.path() + ".run" }

func (tn *testNode) readFile(path string) []byte {
	tn.tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tn.tb.Fatal(err)
	}
	return content
}

func (tn *testNode) writeFile(path string, content []byte) {
	tn.tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tn.tb.Fatal(err)
	}
}

// A damaged store is rebuilt only when EVENTS surely has everything that was published; else the node halts and the file stays.
func TestWitness_KeepsDamagedStore(t *testing.T) {
	for name, c := range map[string]struct {
		note func(running, closed []byte) []byte // nil: no note
		kept string                              // what the reason says; "": rebuilt
	}{
		"closed":                  {func(_, closed []byte) []byte { return closed }, ""},
		"killed in the same boot": {func(running, _ []byte) []byte { return running }, ""},
		"killed by a power loss": {func(running, _ []byte) []byte {
			return bytes.Replace(running, []byte(`"boot":"`), []byte(`"boot":"x`), 1)
		}, "machine was restarted"},
		"power loss, sync: always":  {func(_, _ []byte) []byte { return []byte(`{"boot":"x","durable":true}`) }, ""},
		"closed, EVENTS is shorter": {func(_, _ []byte) []byte { return []byte(`{"closed":1000}`) }, "event 1000 was published"},
		"no note":                   {func(_, _ []byte) []byte { return nil }, "machine was restarted"},
		"torn note":                 {func(_, _ []byte) []byte { return []byte(`{"clo`) }, "machine was restarted"},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTestNode(t)
			tn.createPromotion("demo", 100)
			tn.issueConcurrently(20, "demo")
			tn.waitConfirmed()
			running := tn.readFile(tn.notePath())
			tn.close()
			note := c.note(running, tn.readFile(tn.notePath()))
			if tn.writeFile(tn.notePath(), note); note == nil {
				if err := os.Remove(tn.notePath()); err != nil {
					t.Fatal(err)
				}
			}
			whole := tn.readFile(tn.path())
			damaged := bytes.ReplaceAll(whole, []byte("demo"), []byte("dEmo"))
			tn.writeFile(tn.path(), damaged)
			tn.openLog()
			err := tn.tryProjector()
			if c.kept == "" {
				if err != nil || tn.recovery.RebuildReason == "" {
					t.Errorf("got %v and reason %q, want a rebuild", err, tn.recovery.RebuildReason)
				}
				return
			}
			if !errors.Is(err, projections.ErrInconsistent) || !strings.Contains(err.Error(), c.kept) || !strings.Contains(err.Error(), "move "+tn.path()+" away") {
				t.Errorf("got %v, want a halt because %s", err, c.kept)
			}
			t.Log(err)
			if quarantined, _ := filepath.Glob(tn.path() + ".damaged-*"); !bytes.Equal(tn.readFile(tn.path()), damaged) || len(quarantined) > 0 {
				t.Errorf("the file was changed, or moved to %v", quarantined)
			}
			tn.close()
			if err := os.Remove(tn.path()); err != nil { // as the reason says
				t.Fatal(err)
			}
			tn.start()
			tn.waitConfirmed()
		})
	}
}

// After a power loss the outbox completes EVENTS. Until it has, the note does not say that the store may be rebuilt.
func TestWitness_NotesBootWhenPublished(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 100)
	tn.close()
	loseLog := tn.copyLog()
	tn.start()
	tn.submit(command("kim", "k", "demo", coupons.Issue{}))
	running := tn.readFile(tn.notePath())
	tn.close()
	loseLog()
	tn.openLog()
	tn.log.SetHook(failOn("EVENTS", streams.BeforeSend, 1_000_000, errInjected))
	tn.openProjector()
	tn.waitCommitted()
	if note := tn.readFile(tn.notePath()); bytes.Contains(note, []byte("boot")) || bytes.Contains(note, []byte("closed")) {
		t.Errorf("EVENTS lacks an event, and the note is %s", note)
	}
	tn.log.SetHook(nil)
	tn.waitConfirmed()
	for deadline := time.Now().Add(10 * time.Second); !bytes.Equal(tn.readFile(tn.notePath()), running); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the note is %s, want %s", tn.readFile(tn.notePath()), running)
		}
	}
}

// A store of the same epoch and another history, as when only one of both was restored, is not this log's.
func TestWitness_RefusesOtherHistory(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 100)
	tn.close()
	loseLog, saved := tn.copyLog(), tn.readFile(tn.path())
	tn.start()
	tn.submit(command("kim", "k", "demo", coupons.Issue{}))
	tn.close()
	restoreLog, ofKim := tn.copyLog(), tn.readFile(tn.path())
	loseLog()
	tn.writeFile(tn.path(), saved)
	tn.start()
	tn.submit(command("lee", "k", "demo", coupons.Issue{}))
	tn.close()
	tn.writeFile(tn.path(), ofKim)
	tn.openLog()
	err := tn.tryProjector()
	if !errors.Is(err, projections.ErrInconsistent) || !strings.Contains(err.Error(), "event 2 in EVENTS is not what this node has decided") {
		t.Errorf("got %v, want another history", err)
	}
	tn.close()
	restoreLog()
	tn.start()
}
