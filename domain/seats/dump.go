// The state of all schedules as text, and what must hold after every event.

package seats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"onsale/domain"
)

// Dump writes the whole state, sorted: equal states give equal bytes. Seats that it does not name are free.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		sc := s.schedules[id]
		fmt.Fprintf(w, "schedule %d by %d", len(sc.seats), sc.Sequence)
		if sc.Closed {
			fmt.Fprint(w, " closed")
		}
		if sc.Cancelled != nil {
			fmt.Fprintf(w, " cancelled %d at %s %q", sc.Cancelled.Sequence, sc.Cancelled.At, sc.Cancelled.Reason)
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
				fmt.Fprintf(w, "  seat %d released at %s\n", i+1, at)
			} else if seat != (Seat{}) {
				fmt.Fprintf(w, "  seat %d %s %d\n", i+1, seat.Status(), seat.Ref)
			}
		}
		dumpSorted(w, "allocation", sc.allocations)
		dumpSorted(w, "expired", sc.expired)
		dumpSorted(w, "reservation", sc.reservations)
		dumpSorted(w, "waiting", sc.waiting)
		for _, section := range slices.Sorted(maps.Keys(sc.queues)) {
			queue := sc.queues[section]
			fmt.Fprintf(w, "  queue %q %v\n", section, queue.All())
			for _, e := range queue.All() {
				if queue.PassedOver(e.Sequence) {
					fmt.Fprintf(w, "  passed over %d\n", e.Sequence)
				}
			}
		}
		dumpSorted(w, "entry of", sc.waitingByUser)
		dumpSorted(w, "taken", sc.taken)
	}
	all := slices.SortedFunc(s.deadlines.Due(domain.Time(math.MaxInt64)), scheduleDeadline.Compare)
	for _, d := range slices.Compact(all) {
		what := "allocation"
		switch {
		case d.Sequence == d.Value.Sequence:
			what = "release"
		case d.Value.Cancelled != nil && d.Sequence == d.Value.Cancelled.Sequence:
			what = "cancellation"
		}
		fmt.Fprintf(w, "deadline %s %d %s %s\n", d.At, d.Sequence, what, d.Value.ScheduleID)
	}
}

func dumpSorted[K cmp.Ordered, V any](w io.Writer, what string, all map[K]V) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w, "  %s %v ", what, key)
		json.NewEncoder(w).Encode(all[key])
	}
}

// CheckInvariants returns what is wrong with the seats of event e after e was applied: each seat and its allocation, reservation
// or pending release refer to each other.
func (s *State) CheckInvariants(e domain.Event) error {
	if _, rejected := e.Body.(domain.Rejection); rejected { // may name seats that do not exist
		return nil
	}
	for _, id := range e.Seats() {
		if err := s.schedules[e.Entity].checkSeat(id); err != nil {
			return fmt.Errorf("seat %d of %s %w", id, e.Entity, err)
		}
	}
	return nil
}

func (sc *Schedule) checkSeat(id int) error {
	switch seat := sc.seats[id-1]; seat.state {
	case stateHeld:
		if h := sc.allocations[seat.Ref]; h == nil || !slices.Contains(h.ScheduleSeatIDs, id) {
			return fmt.Errorf("is held by allocation %d, which does not have it", seat.Ref)
		}
	case statePendingRelease:
		if sc.pendingRelease[seat.ReleaseAt()] < 1 {
			return fmt.Errorf("is released at %s, which is not scheduled", seat.ReleaseAt())
		}
	case stateReserved:
		if r := sc.reservations[seat.Ref]; r.Cancelled || !slices.Contains(r.ScheduleSeatIDs, id) {
			return fmt.Errorf("is reserved by %d, which does not have it", seat.Ref)
		}
	}
	return nil
}
