// The shop takes seats back from whoever has them.

package seats

import (
	"slices"

	"onsale/domain"
)

// reclaim tells everybody who loses something, in the order of the seats named, and then answers who asked. Seats that
// nobody has, that are blocked, or whose hold or offer is due, are left alone. An offer ends whole, as if its time were
// over: its ExpiresAt is then this moment.
func (s *State) reclaim(c domain.Command, body Reclaim, now domain.Time) []domain.Event {
	sc, rejection := s.findScheduleSeats(c, body.Check(), body.ScheduleSeatIDs, MaxReclaim)
	if sc == nil {
		return []domain.Event{rejection}
	}
	var owners []Seat // whoever loses seats, in order; those that wait to come back are one
	lost := map[Seat][]int{}
	reclaimed := Reclaimed{ScheduleID: c.Entity, ScheduleSeatIDs: []int{}, Reason: body.Reason}
	for _, id := range body.ScheduleSeatIDs {
		seat := sc.seats[id-1]
		if seat.state == stateFree || seat.state == stateBlocked || seat.state == stateHeld && sc.allocations[seat.Ref].ExpiresAt <= now {
			continue
		}
		if seat.state == statePendingRelease {
			seat.Ref = 0
		}
		if lost[seat] == nil {
			owners = append(owners, seat)
		}
		lost[seat] = append(lost[seat], id)
		reclaimed.ScheduleSeatIDs = append(reclaimed.ScheduleSeatIDs, id)
	}
	reclaimed.ReleasedCount = len(reclaimed.ScheduleSeatIDs)
	var events []domain.Event
	for _, seat := range owners {
		events = append(events, sc.reclaimEvent(seat, lost[seat], body.Reason, now))
	}
	return append(events, domain.NewOutcome(c, reclaimed))
}

// reclaimEvent tells whoever had the seats.
func (sc *Schedule) reclaimEvent(seat Seat, ids []int, reason string, now domain.Time) domain.Event {
	e := domain.Event{Entity: sc.ScheduleID}
	switch seat.state {
	case statePendingRelease:
		e.Body = ReleasedToSale{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids}
	case stateReserved:
		e.User = sc.reservations[seat.Ref].User
		e.Body = Cancelled{
			ScheduleID: sc.ScheduleID, ReservationID: ReservationID(sc.ScheduleID, seat.Ref), ScheduleSeatIDs: ids, Reason: reason,
		}
	case stateHeld:
		h := sc.allocations[seat.Ref]
		e.User = h.User
		if h.Offer {
			e.Body = OfferExpired{
				ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, h.Sequence),
				ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs), ExpiresAt: now,
			}
		} else {
			e.Body = Released{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids, ReleasedCount: len(ids), Reason: reason}
		}
	}
	return e
}
