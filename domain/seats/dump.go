// The whole state of all schedules as text.
package seats

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes. Seats that are not named are free.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		sc := s.schedules[id]
		fmt.Fprintf(w, "schedule %d seats ", len(sc.Seats))
		json.NewEncoder(w).Encode(sc.Created)
		for i, seat := range sc.Seats {
			if seat != (Seat{Status: StatusAvailable}) {
				fmt.Fprintf(w, "  seat %d %s %d\n", i+1, seat.Status, seat.Ref)
			}
		}
		dumpSorted(w, "holding", sc.Holdings)
		dumpSorted(w, "ended", sc.Ended)
		dumpSorted(w, "reservation", sc.Reservations)
		for _, user := range slices.Sorted(maps.Keys(sc.Taken)) {
			fmt.Fprintf(w, "  taken %s %d\n", user, sc.Taken[user])
		}
	}
	for _, d := range slices.SortedFunc(s.endings.Until(math.MaxInt64), ending.Compare) {
		fmt.Fprintf(w, "deadline %s %s of %s\n", d.At, HoldID(d.Sequence), d.What.ScheduleID)
	}
}

func dumpSorted[V any](w io.Writer, what string, all map[uint64]V) {
	for _, sequence := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w, "  %s %d ", what, sequence)
		json.NewEncoder(w).Encode(all[sequence])
	}
}
