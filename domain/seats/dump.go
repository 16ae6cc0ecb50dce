// The whole state of all schedules as text.

package seats

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"onsale/domain"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes. Seats that are not named are free.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		sc := s.schedules[id]
		fmt.Fprintf(w, "schedule %d by %d", len(sc.seats), sc.Sequence)
		if sc.Closed {
			fmt.Fprint(w, " closed")
		}
		fmt.Fprint(w, " ")
		json.NewEncoder(w).Encode(sc.Created)
		free := 0
		for _, n := range sc.freeInRow {
			free += n
		}
		fmt.Fprintf(w, "  free %d\n", free)
		for i, seat := range sc.seats {
			if at := seat.ReleaseAt(); at != 0 {
				fmt.Fprintf(w, "  seat %d comes back at %s\n", i+1, at)
			} else if seat != (Seat{}) {
				fmt.Fprintf(w, "  seat %d %s %d\n", i+1, seat.Status(), seat.Ref)
			}
		}
		dumpSorted(w, "holding", sc.allocations)
		dumpSorted(w, "ended", sc.expired)
		dumpSorted(w, "reservation", sc.reservations)
		dumpSorted(w, "waiting", sc.waiting)
		for _, section := range slices.Sorted(maps.Keys(sc.queues)) {
			fmt.Fprintf(w, "  line %q %v\n", section, sc.queues[section].All())
		}
		for _, user := range slices.Sorted(maps.Keys(sc.waitingByUser)) {
			fmt.Fprintf(w, "  %s waits as %d\n", user, sc.waitingByUser[user])
		}
		for _, user := range slices.Sorted(maps.Keys(sc.taken)) {
			fmt.Fprintf(w, "  taken %s %d\n", user, sc.taken[user])
		}
	}
	all := slices.SortedFunc(s.deadlines.Due(domain.Time(math.MaxInt64)), scheduleDeadline.Compare)
	for _, d := range slices.Compact(all) {
		what := "holding"
		if d.Sequence == d.Value.Sequence {
			what = "return"
		}
		fmt.Fprintf(w, "deadline %s %d %s %s\n", d.At, d.Sequence, what, d.Value.ScheduleID)
	}
}

func dumpSorted[V any](w io.Writer, what string, all map[uint64]V) {
	for _, sequence := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w, "  %s %d ", what, sequence)
		json.NewEncoder(w).Encode(all[sequence])
	}
}
