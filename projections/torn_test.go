package projections_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/projections/store"
)

const sector = 512 // the disk writes these whole, in any order

// lastTransaction is that of the newer meta page.
func lastTransaction(content []byte) uint64 { return metaNumber(content, 48) }

// metaNumber is the larger of two numbers: at this place in one meta page and in the other.
func metaNumber(content []byte, at int) uint64 {
	const header = 16
	return max(binary.NativeEndian.Uint64(content[header+at:]), binary.NativeEndian.Uint64(content[os.Getpagesize()+header+at:]))
}

// copyStore copies the file of a running node between two transactions.
func (tn *testNode) copyStore() []byte {
	tn.tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		content := tn.readFile(tn.path())
		if again := tn.readFile(tn.path()); bytes.Equal(content, again) {
			return content[:metaNumber(content, 40)*uint64(os.Getpagesize())] // the pages in use
		}
	}
	tn.tb.Fatal("the store does not rest")
	return nil
}

// A power loss during a transaction leaves any of its sectors on the disk. The file is then that transaction's or the one's before.
func TestTorn_IsOneOfTwoTransactions(t *testing.T) {
	tn := newTestNode(t)
	tn.close()
	tn.messageInterval, tn.outboxRetention = 8*time.Second, time.Hour
	tn.start()
	seed := rand.Uint64()
	t.Log("seed", seed)
	c := randomCommands{Rand: rand.New(rand.NewPCG(seed, 0)), tn: tn, payments: map[string]orders.Payment{}, amounts: map[string]int64{}, lastKnown: map[string]uint64{}}
	results := map[string]int{}
	for pair := 0; pair < 6; {
		for range c.IntN(60) {
			c.appendNext()
		}
		tn.waitConfirmed()
		before := tn.copyStore()
		c.appendNext()
		tn.waitConfirmed()
		after := tn.copyStore()
		if lastTransaction(after) != lastTransaction(before)+1 {
			continue // there was a tick
		}
		pair++
		first, second := tn.openStore(t, before), tn.openStore(t, after)
		for range 12 {
			results[tn.openTorn(t, c.Rand, before, after, first, second)]++
		}
		first.Close()
		second.Close()
	}
	t.Log(results)
	if results["before"] == 0 || results["after"] == 0 || results["reverted"] == 0 {
		t.Errorf("not all happened: %v", results)
	}
}

// openTorn opens before with some of the sectors of after, and says which of them the store has.
func (tn *testNode) openTorn(t *testing.T, random *rand.Rand, before, after []byte, first, second *store.Store) string {
	t.Helper()
	torn := bytes.Clone(before)
	if random.IntN(3) > 0 {
		torn = append(torn, make([]byte, max(0, len(after)-len(before)))...) // the file grew before
	}
	missing := []int{0, 1, 2, 5, 10}[random.IntN(5)] // of ten sectors
	withMeta := random.IntN(5) > 0                   // what makes it torn
	for at := 0; at < len(torn); at += sector {
		written := random.IntN(10) >= missing
		if at < 2*os.Getpagesize() {
			written = withMeta
		}
		if end := min(at+sector, len(torn)); written && at < len(after) {
			copy(torn[at:end], after[at:min(end, len(after))])
		}
	}
	s := tn.openStore(t, torn)
	if s != nil {
		defer s.Close()
		inBefore, inAfter := difference(t, s, first), difference(t, s, second)
		switch {
		case inAfter == "":
			return "after"
		case inBefore == "":
			return "before"
		}
		t.Errorf("the store has rows of neither transaction: %s; %s", inBefore, inAfter)
		return "neither"
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := store.RevertTorn(path)
	if err != nil || !whole {
		t.Errorf("reverted %v, error %v", whole, err)
		return "damaged"
	}
	reverted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s = tn.openStore(t, reverted); s == nil {
		t.Error("a reverted store cannot be opened")
		return "damaged"
	}
	defer s.Close()
	if rows := difference(t, s, first); rows != "" {
		t.Errorf("a reverted store has other rows than before: %s", rows)
	}
	return "reverted"
}

// openStore opens a store with this content; nil: it is damaged.
func (tn *testNode) openStore(t *testing.T, content []byte) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := store.Open(path, tn.log.Epoch(), tn.log)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		t.Fatal(err)
	}
	return s
}

func difference(t *testing.T, ours, theirs *store.Store) string {
	t.Helper()
	rows, err := store.Difference(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A node whose machine stopped during a transaction goes on from the one before, and publishes what it had published.
func TestTorn_NodeGoesOn(t *testing.T) {
	for _, test := range []struct {
		name, boot string
		rebuilt    bool
	}{
		{"power loss", "another boot", false},
		{"kill", "", true}, // it tears nothing: this is other damage
	} {
		t.Run(test.name, func(t *testing.T) {
			tn := newTestNode(t)
			tn.createPromotion("demo", 100)
			tn.issueConcurrently(20, "demo")
			tn.waitConfirmed()
			before := tn.copyStore()
			running := tn.readFile(tn.notePath())
			tn.issueConcurrently(1, "demo")
			tn.waitConfirmed()
			after := tn.copyStore()
			tn.close()
			torn := bytes.Clone(before)
			copy(torn[:2*os.Getpagesize()], after) // both meta pages, and nothing else
			tn.writeFile(tn.path(), torn)
			if test.boot != "" {
				running = []byte(`{"boot":"` + test.boot + `"}`)
			}
			tn.writeFile(tn.notePath(), running)
			tn.start()
			if rebuilt := tn.recovery.RebuildReason != ""; rebuilt != test.rebuilt {
				t.Errorf("rebuilt %v, want %v: %s", rebuilt, test.rebuilt, tn.recovery.RebuildReason)
			}
			tn.submit(command("late", "k", "demo", coupons.Issue{}))
		})
	}
}

// A power loss or a kill while the store is created leaves a file without rows. Nothing was decided, so nothing is lost.
func TestTorn_FirstTransaction(t *testing.T) {
	tn := newTestNode(t)
	created := tn.path() + ".created"
	db, err := bolt.Open(created, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole := tn.readFile(created)
	torn := bytes.Clone(whole)
	copy(torn[:2*os.Getpagesize()], tn.copyStore())
	tn.close()
	for name, content := range map[string][]byte{"created": whole, "torn": torn, "never written": make([]byte, len(whole))} {
		t.Run(name, func(t *testing.T) {
			tn := newNodeIn(t, t.TempDir())
			tn.writeFile(tn.path(), content)
			tn.start()
			t.Cleanup(tn.check)
			tn.createPromotion("demo", 1)
			tn.submit(command("kim", "k", "demo", coupons.Issue{}))
		})
	}
}
