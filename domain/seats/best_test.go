package seats

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// rowOf returns the availability of a schedule with one row, where a dot is a free seat.
func rowOf(t *testing.T, pattern string) (*availability, rowSpan) {
	s := New()
	sc := s.Restore(Created{ScheduleID: "hall", Sections: []Section{{Name: "A", Rows: []Row{{"1", len(pattern)}}}}}, 1, false, nil)
	for i, taken := range pattern {
		if taken != '.' {
			s.RestoreBlocked(sc, []int{i + 1})
		}
	}
	a := s.availability(sc, 1)
	return &a, sc.Layout.rows[0]
}

func TestAvailability_BestInRow(t *testing.T) {
	for _, c := range []struct {
		pattern       string
		count         int
		first, orphan int
	}{
		{".", 1, 1, 0},
		{"x", 1, 0, 0},
		{"..", 1, 1, 2},
		{"...", 1, 1, 0}, // 2 would leave two orphans
		{"....", 1, 1, 0},
		{".....", 1, 3, 0},
		{"...", 2, 1, 3},
		{"....................", 2, 9, 0}, // 10 would be nearer, and cost a pair
		{"x...x..x", 2, 6, 0},
		{".......", 3, 1, 0}, // 3 would leave room for none
		{"........", 8, 1, 0},
		{"........", 9, 0, 0},
	} {
		a, row := rowOf(t, c.pattern)
		if first, orphan := a.bestInRow(row, c.count); first != c.first || orphan != c.orphan {
			t.Errorf("%d in %q: got %d, orphan %d, want %d, orphan %d", c.count, c.pattern, first, orphan, c.first, c.orphan)
		}
	}
}

// TestAvailability_BestInRowMatchesExhaustiveSearch compares the few candidates with all places of a row.
func TestAvailability_BestInRowMatchesExhaustiveSearch(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		pattern := []byte(strings.Repeat(".", 1+rng.IntN(120)))
		for range rng.IntN(6) {
			pattern[rng.IntN(len(pattern))] = 'x'
		}
		count := 1 + rng.IntN(9)
		a, row := rowOf(t, string(pattern))
		first, orphan := a.bestInRow(row, count)
		want := 0
		rank := func(at int) []int { // of a run that begins there: orphans, room lost, distance
			from, to := at, at+count-1
			for from > 1 && pattern[from-2] == '.' {
				from--
			}
			for to < len(pattern) && pattern[to] == '.' {
				to++
			}
			orphans, offCenter := 0, 2*at+count-len(pattern)-2
			if at-from == 1 || to-at-count+1 == 1 {
				orphans = 1
			}
			room := (to-from+1)/count - (at-from)/count - (to-at-count+1)/count
			return []int{orphans, max(0, room-1), max(offCenter, -offCenter)}
		}
		for at := 1; at+count-1 <= len(pattern); at++ {
			if !strings.Contains(string(pattern[at-1:at+count-1]), "x") && (want == 0 || slices.Compare(rank(at), rank(want)) < 0) {
				want = at
			}
		}
		if first != want || want > 0 && (orphan != 0) != (rank(want)[0] == 1) {
			t.Fatalf("seed %d: %d in %q: got %d, orphan %d, want %d", seed, count, pattern, first, orphan, want)
		}
	}
}
