package waitlist

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// The line beside a plain list.
func TestList_MatchesPlainSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	var l List
	var want []Entry
	for sequence := range uint64(5000) {
		if rng.IntN(5) < 3 || len(want) == 0 {
			e := Entry{sequence, "u" + strconv.FormatUint(sequence, 10), 1 + rng.IntN(4)}
			l.Add(e)
			want = append(want, e)
		} else {
			i := rng.IntN(len(want))
			if rng.IntN(2) == 0 {
				i = 0
			}
			l.Remove(want[i].Sequence)
			want = slices.Delete(want, i, i+1)
		}
		least := 1 + rng.IntN(5)
		fits := func(quantity int) bool { return quantity >= least }
		i := slices.IndexFunc(want, func(e Entry) bool { return fits(e.Quantity) })
		if got, ok := l.FirstFit(fits); ok != (i >= 0) || ok && got != want[i] {
			t.Fatalf("the first who wants %d: got %v, %t, want %d of %v", least, got, ok, i, want)
		}
		if len(want) == 0 {
			continue
		}
		if at := rng.IntN(len(want)); l.Position(want[at].Sequence) != at+1 {
			t.Fatalf("%v is at %d, want %d", want[at], l.Position(want[at].Sequence), at+1)
		} else if got, ok := l.ByUser(want[at].User); !ok || got != want[at] {
			t.Fatalf("got %v, %t of %s, want %v", got, ok, want[at].User, want[at])
		}
	}
	if !slices.Equal(l.All(), want) || l.Len() != len(want) {
		t.Errorf("got %v, want %v", l.All(), want)
	}
	l.Remove(1 << 60)
	if _, ok := l.ByUser("nobody"); ok {
		t.Error("nobody waits")
	}
}
