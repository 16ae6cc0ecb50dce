// What must hold of a seat after every event.
package seats

import (
	"fmt"
	"slices"
)

// Check says which of the seats is not free and yet nobody's, or somebody's who does not know of it.
func (sc *Schedule) Check(ids []int) error {
	for _, id := range ids {
		seat := sc.Seats[id-1]
		switch seat.Status {
		case StatusHeld:
			if h := sc.Holdings[seat.Ref]; h == nil || !slices.Contains(h.ScheduleSeatIDs, id) {
				return fmt.Errorf("seat %d of %s is held by hold %d, which does not hold it", id, sc.ScheduleID, seat.Ref)
			}
		case StatusReserved:
			if !slices.Contains(sc.Reservations[seat.Ref].ScheduleSeatIDs, id) {
				return fmt.Errorf("seat %d of %s belongs to reservation %d, which does not have it", id, sc.ScheduleID, seat.Ref)
			}
		}
	}
	return nil
}
