package projections_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"onsale/projections/store"
)

// savedStateOfEverything is a closed node with rows of every kind, and the content of its saved state.
func savedStateOfEverything(t *testing.T) (tn *testNode, saved []byte) {
	t.Helper()
	tn, _, _ = storeOfEverything(t)
	saved, err := os.ReadFile(tn.path() + ".state")
	if err != nil {
		t.Fatal(err)
	}
	return tn, saved
}

// openLike opens a copy of the node's store with this saved state, and fails the test unless the state is that of the rows.
func (tn *testNode) openLike(t *testing.T, saved []byte) {
	t.Helper()
	content, err := os.ReadFile(tn.path())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.WriteFile(path+".state", saved, 0o600)); err != nil {
		t.Fatal(err)
	}
	s, opened, err := store.Open(path, tn.log.Epoch(), tn.log)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	loaded, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, opened.Machine), dump(t, loaded.Machine); got != want {
		t.Errorf("the saved machine differs from that of the rows: %s", firstDifference(got, want))
	}
	if !maps.Equal(maps.Collect(opened.LastEvents.After(0)), maps.Collect(loaded.LastEvents.After(0))) {
		t.Error("the saved last events differ from those of the rows")
	}
	if got, want := countsOf(opened.Counters), countsOf(loaded.Counters); !maps.Equal(got, want) || opened.Counters.Outcomes != loaded.Counters.Outcomes {
		t.Errorf("saved counters %v, those of the rows %v", got, want)
	}
}

func TestSavedState_IsThatOfTheRows(t *testing.T) {
	tn, saved := savedStateOfEverything(t)
	tn.openLike(t, saved)
	if len(saved) < 10_000 {
		t.Errorf("%d bytes: the test proves nothing", len(saved))
	}
}

// A saved state that was damaged, cut off or written for other rows is passed over.
func TestSavedState_IsIgnoredWhenWrong(t *testing.T) {
	tn, saved := savedStateOfEverything(t)
	for range 30 {
		damaged := bytes.Clone(saved)
		damaged[rand.IntN(len(damaged))] ^= 1 << rand.IntN(8)
		tn.openLike(t, damaged)
		tn.openLike(t, saved[:rand.IntN(len(saved))])
	}
	tn.openLike(t, nil)
	tn.openProjector()
	tn.createPromotion("later", 5)
	tn.stop() // saves the state of later rows
	tn.openLike(t, saved)
}

// A killed node leaves a saved state of earlier rows, or none.
func TestSavedState_IsIgnoredAfterKill(t *testing.T) {
	tn := newTestNode(t)
	tn.createPromotion("demo", 1_000)
	tn.issueCoupons(100, "before")
	tn.close()
	saved, err := os.ReadFile(tn.path() + ".state")
	if err != nil {
		t.Fatal(err)
	}
	tn.start()
	tn.issueCoupons(100, "after")
	tn.close()
	if err := os.WriteFile(tn.path()+".state", saved, 0o600); err != nil { // as if the last close had not come to it
		t.Fatal(err)
	}
	tn.start()
	tn.submitExpectIssued(t)
}

func (tn *testNode) submitExpectIssued(t *testing.T) {
	t.Helper()
	tn.issueCoupons(100, "after") // again
	tn.issueCoupons(10, "last")
	stats, err := tn.p.Stats(t.Context())
	if err != nil || stats.Events["coupons.issued"] != 210 {
		t.Errorf("%d coupons, want 210: %v", stats.Events["coupons.issued"], err)
	}
}

// The list of free pages has no checksum, and bbolt would write to the pages in it.
func TestDamage_NoticesWrongFreePages(t *testing.T) {
	tn, content, want := storeOfEverything(t)
	meta := content[:4096]
	if binary.NativeEndian.Uint64(content[4096+16+48:]) > binary.NativeEndian.Uint64(meta[16+48:]) {
		meta = content[4096:8192]
	}
	freelist := binary.NativeEndian.Uint64(meta[16+32:])
	if freelist == math.MaxUint64 {
		t.Fatal("the store was closed without a list of free pages")
	}
	page := freelist * 4096
	count := binary.NativeEndian.Uint16(content[page+10:])
	if count < 2 {
		t.Fatalf("%d free pages: the test proves nothing", count)
	}
	for name, alter := range map[string]func(page []byte){
		"another page":  func(page []byte) { binary.NativeEndian.PutUint64(page[16:], binary.NativeEndian.Uint64(page[16:])+1) },
		"one page less": func(page []byte) { binary.NativeEndian.PutUint16(page[10:], count-1) },
		"one page more": func(page []byte) { binary.NativeEndian.PutUint16(page[10:], count+1) },
		"no list":       func(page []byte) { binary.NativeEndian.PutUint16(page[8:], 2) },
	} {
		damaged := bytes.Clone(content)
		alter(damaged[page : page+4096])
		if result := tn.openDamaged(t, damaged, want); len(result) < 7 || result[:7] != "rebuilt" {
			t.Errorf("%s: %s, want a rebuild", name, result)
		}
	}
}
