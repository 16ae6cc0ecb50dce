package waiting

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// The line beside a plain list.
func TestLine(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	var l Line
	var plain []Entry
	for sequence := range uint64(5000) {
		if rng.IntN(5) < 3 || len(plain) == 0 {
			e := Entry{sequence, "u" + strconv.FormatUint(sequence, 10), 1 + rng.IntN(4)}
			l.Add(e)
			plain = append(plain, e)
		} else {
			i := rng.IntN(len(plain))
			if rng.IntN(2) == 0 {
				i = 0
			}
			l.Remove(plain[i].Sequence)
			plain = slices.Delete(plain, i, i+1)
		}
		least := 1 + rng.IntN(5)
		fits := func(quantity int) bool { return quantity >= least }
		i := slices.IndexFunc(plain, func(e Entry) bool { return fits(e.Quantity) })
		if got, ok := l.First(fits); ok != (i >= 0) || ok && got != plain[i] {
			t.Fatalf("the first who wants %d: got %v, %t, want %d of %v", least, got, ok, i, plain)
		}
		if len(plain) == 0 {
			continue
		}
		if at := rng.IntN(len(plain)); l.Position(plain[at].Sequence) != at+1 {
			t.Fatalf("%v is at %d, want %d", plain[at], l.Position(plain[at].Sequence), at+1)
		} else if got, ok := l.Of(plain[at].User); !ok || got != plain[at] {
			t.Fatalf("got %v, %t of %s, want %v", got, ok, plain[at].User, plain[at])
		}
	}
	if !slices.Equal(l.All(), plain) || l.Len() != len(plain) {
		t.Errorf("got %v, want %v", l.All(), plain)
	}
	l.Remove(1 << 60)
	if _, ok := l.Of("nobody"); ok {
		t.Error("nobody waits")
	}
}
