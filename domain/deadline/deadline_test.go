package deadline

import (
	"math/rand/v2"
	"slices"
	"testing"

	"onsale/domain"
)

// TestQueue_OrdersByTimeAndSequence adds and cancels deadlines: the active ones come in the order of time and sequence.
func TestQueue_OrdersByTimeAndSequence(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	cancelled := map[uint64]bool{}
	q := NewQueue(func(d Deadline[string]) bool { return !cancelled[d.Sequence] })
	var active []Deadline[string]
	for sequence := range uint64(2000) {
		d := Deadline[string]{At: domain.Time(rng.IntN(50)), Sequence: sequence, Value: "x"}
		q.Add(d)
		active = append(active, d)
		if rng.IntN(2) == 0 {
			i := rng.IntN(len(active))
			cancelled[active[i].Sequence] = true
			active = slices.Delete(active, i, i+1)
		}
	}
	slices.SortFunc(active, Deadline[string].Compare)
	now := domain.Time(25)
	firstLater, _ := slices.BinarySearchFunc(active, now+1, func(d Deadline[string], at domain.Time) int { return int(d.At - at) })
	if got := slices.SortedFunc(q.Due(now), Deadline[string].Compare); !slices.Equal(got, active[:firstLater]) {
		t.Errorf("got %d due at %d, want %d", len(got), now, firstLater)
	}
	for _, want := range active {
		if got, ok := q.First(); !ok || got != want {
			t.Fatalf("got %v, %t, want %v", got, ok, want)
		}
		cancelled[want.Sequence] = true
	}
	if got, ok := q.First(); ok {
		t.Errorf("got %v from an empty queue", got)
	}
}
