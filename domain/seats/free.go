// The shop takes seats back from whoever has them.
package seats

import (
	"slices"

	"onsale/domain"
)

// freeSeats tells everybody who loses something, in the order of the seats named, and then answers who asked. Seats that
// nobody has, that are blocked, or whose hold or offer is due, are left alone. An offer ends whole, as if its time were
// over: its ExpiresAt is then this moment.
func (s *State) freeSeats(c domain.Command, body Free, now domain.Time) []domain.Event {
	sc, refusal := s.shopAsks(c, body.Check(), body.ScheduleSeatIDs, MaxFree)
	if sc == nil {
		return []domain.Event{refusal}
	}
	var had []Seat // whoever loses seats, in order; those that wait to come back are one
	lost := map[Seat][]int{}
	freed := Freed{ScheduleID: c.Entity, ScheduleSeatIDs: []int{}, Reason: body.Reason}
	for _, id := range body.ScheduleSeatIDs {
		seat := sc.Seats[id-1]
		if seat.is == isFree || seat.is == isBlocked || seat.is == isHeld && sc.Holdings[seat.Ref].ExpiresAt <= now {
			continue
		}
		if seat.is == isReturning {
			seat.Ref = 0
		}
		if lost[seat] == nil {
			had = append(had, seat)
		}
		lost[seat] = append(lost[seat], id)
		freed.ScheduleSeatIDs = append(freed.ScheduleSeatIDs, id)
	}
	freed.ReleasedCount = len(freed.ScheduleSeatIDs)
	var events []domain.Event
	for _, seat := range had {
		events = append(events, sc.takenBack(seat, lost[seat], body.Reason, now))
	}
	return append(events, domain.Outcome(c, freed))
}

// takenBack tells whoever had the seats.
func (sc *Schedule) takenBack(seat Seat, ids []int, reason string, now domain.Time) domain.Event {
	e := domain.Event{Entity: sc.ScheduleID}
	switch seat.is {
	case isReturning:
		e.Body = Returned{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids}
	case isReserved:
		e.User = sc.Reservations[seat.Ref].User
		e.Body = Cancelled{
			ScheduleID: sc.ScheduleID, ReservationID: ReservationID(sc.ScheduleID, seat.Ref), ScheduleSeatIDs: ids, Reason: reason,
		}
	case isHeld:
		h := sc.Holdings[seat.Ref]
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
