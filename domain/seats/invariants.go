// What must hold of the seats that an event touched.

package seats

import (
	"fmt"
	"slices"

	"onsale/domain"
)

// CheckInvariants says which of the seats of e, just made so, is nobody's and yet not free, or somebody's who does not know of it.
func (s *State) CheckInvariants(e domain.Event) error {
	for _, id := range touchedSeats(e.Body) {
		if err := s.schedules[e.Entity].checkSeat(id); err != nil {
			return fmt.Errorf("seat %d of %s %w", id, e.Entity, err)
		}
	}
	return nil
}

func (sc *Schedule) checkSeat(id int) error {
	switch seat := sc.Seats[id-1]; seat.state {
	case stateHeld:
		if h := sc.Allocations[seat.Ref]; h == nil || !slices.Contains(h.ScheduleSeatIDs, id) {
			return fmt.Errorf("is held by %d, which does not hold it", seat.Ref)
		}
	case statePendingRelease:
		if sc.PendingRelease[seat.ReleaseAt()] < 1 {
			return fmt.Errorf("comes back at %s, and nobody knows", seat.ReleaseAt())
		}
	case stateReserved:
		if r := sc.Reservations[seat.Ref]; r.Cancelled || !slices.Contains(r.ScheduleSeatIDs, id) {
			return fmt.Errorf("belongs to reservation %d, which does not have it", seat.Ref)
		}
	}
	return nil
}

// touchedSeats are the seats that an event is about.
func touchedSeats(body domain.Body) []int {
	switch b := body.(type) {
	case Held:
		return b.ScheduleSeatIDs
	case Swapped:
		return slices.Concat(b.ScheduleSeatIDs, b.Released)
	case Released:
		return b.ScheduleSeatIDs
	case Reserved:
		return b.ScheduleSeatIDs
	case Cancelled:
		return b.ScheduleSeatIDs
	case Expired:
		return b.ScheduleSeatIDs
	case ReleasedToSale:
		return b.ScheduleSeatIDs
	case Blocked:
		return b.ScheduleSeatIDs
	case Unblocked:
		return b.ScheduleSeatIDs
	case Offered:
		return b.ScheduleSeatIDs
	case Accepted:
		return b.ScheduleSeatIDs
	case Declined:
		return b.ScheduleSeatIDs
	case Left:
		return b.ScheduleSeatIDs
	case OfferExpired:
		return b.ScheduleSeatIDs
	}
	return nil
}
