// What must hold of the seats that an event touched.

package seats

import (
	"fmt"
	"slices"

	"onsale/domain"
)

// CheckInvariants says which of the seats of e, just made so, is nobody's and yet not free, or somebody's who does not know of it.
func (s *State) CheckInvariants(e domain.Event) error {
	if _, rejected := e.Body.(domain.Rejection); rejected { // it may name seats that do not exist
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
			return fmt.Errorf("is held by %d, which does not hold it", seat.Ref)
		}
	case statePendingRelease:
		if sc.pendingRelease[seat.ReleaseAt()] < 1 {
			return fmt.Errorf("comes back at %s, and nobody knows", seat.ReleaseAt())
		}
	case stateReserved:
		if r := sc.reservations[seat.Ref]; r.Cancelled || !slices.Contains(r.ScheduleSeatIDs, id) {
			return fmt.Errorf("belongs to reservation %d, which does not have it", seat.Ref)
		}
	}
	return nil
}
