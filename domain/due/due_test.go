package due

import (
	"math/rand/v2"
	"slices"
	"testing"

	"onsale/domain"
)

// Whatever comes and goes in between: what is told is what stands, in the order of time and place.
func TestLine(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	gone := map[uint64]bool{}
	l := NewLine(func(d Deadline[string]) bool { return !gone[d.Sequence] })
	var standing []Deadline[string]
	for sequence := range uint64(2000) {
		d := Deadline[string]{At: domain.Time(rng.IntN(50)), Sequence: sequence, What: "x"}
		l.Add(d)
		standing = append(standing, d)
		if rng.IntN(2) == 0 {
			i := rng.IntN(len(standing))
			gone[standing[i].Sequence] = true
			standing = slices.Delete(standing, i, i+1)
		}
	}
	slices.SortFunc(standing, Deadline[string].Compare)
	now := domain.Time(25)
	later, _ := slices.BinarySearchFunc(standing, now+1, func(d Deadline[string], at domain.Time) int { return int(d.At - at) })
	if got := slices.SortedFunc(l.Until(now), Deadline[string].Compare); !slices.Equal(got, standing[:later]) {
		t.Errorf("got %d until %d, want %d", len(got), now, later)
	}
	for _, want := range standing {
		if got, ok := l.First(); !ok || got != want {
			t.Fatalf("got %v, %t, want %v", got, ok, want)
		}
		gone[want.Sequence] = true
	}
	if got, ok := l.First(); ok {
		t.Errorf("got %v of nothing", got)
	}
}
