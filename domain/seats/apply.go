// What each event makes so.

package seats

import (
	"slices"

	"onsale/domain"
)

// Apply makes e so.
func (s *State) Apply(e domain.Event) {
	sc := s.schedules[e.Entity]
	switch body := e.Body.(type) {
	case Created:
		s.Restore(body, e.Sequence, false)
	case Closed:
		sc.Closed = true
	case Held:
		s.RestoreAllocation(sc, newHold(e, body.ScheduleSeatIDs, body.Now, body.ExpiresAt))
	case Extended:
		h := sc.allocations[HoldSequence(body.HoldID)]
		h.ExpiresAt, h.Extensions, h.Warned = body.ExpiresAt, h.Extensions+1, withinWarning(body.Now, body.ExpiresAt)
		s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
	case Expiring:
		h := sc.allocations[HoldSequence(body.HoldID)]
		h.Warned = true
		s.deadlines.Add(scheduleDeadline{At: h.nextDeadline(), Sequence: h.Sequence, Value: sc})
	case Swapped:
		h := sc.allocations[HoldSequence(body.HoldID)]
		for _, id := range body.Taken {
			sc.setSeat(id, Seat{stateHeld, h.Sequence})
		}
		sc.addTaken(h.User, len(body.Taken))
		h.ScheduleSeatIDs = append(h.ScheduleSeatIDs, body.Taken...)
		s.releaseSeats(sc, body.Released)
	case Released:
		s.releaseSeats(sc, body.ScheduleSeatIDs)
	case Reserved:
		emptied := sc.allocationsOf(body.ScheduleSeatIDs)
		s.RestoreReservation(sc, e.Sequence, Reservation{
			User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs, TotalPrice: body.TotalPrice,
		})
		sc.dropEmpty(emptied)
	case Cancelled:
		s.applyCancelled(sc, body)
	case Expired:
		sequence := HoldSequence(body.HoldID)
		if body.ReleaseAt != 0 {
			s.RestorePendingRelease(sc, body.ReleaseAt, body.ScheduleSeatIDs)
		} else {
			s.releaseSeats(sc, body.ScheduleSeatIDs)
		}
		delete(sc.allocations, sequence)
		sc.RestoreExpired(sequence, ExpiredAllocation{User: e.User, At: body.ExpiresAt})
	case ReleasedToSale:
		s.releaseSeats(sc, body.ScheduleSeatIDs)
	case Blocked:
		s.RestoreBlocked(sc, body.ScheduleSeatIDs)
	case Unblocked:
		s.releaseSeats(sc, body.ScheduleSeatIDs)
	default:
		s.applyWaiting(sc, e)
	}
}

// applyWaiting makes so what happened to those who wait.
func (s *State) applyWaiting(sc *Schedule, e domain.Event) {
	switch body := e.Body.(type) {
	case Joined:
		entry := WaitingEntry{Section: body.Section}
		entry.Sequence, entry.User, entry.Quantity = e.Sequence, e.User, body.Quantity
		s.RestoreWaiting(sc, entry)
	case Offered:
		s.RestoreAllocation(sc, Allocation{
			Sequence: WaitingSequence(body.ScheduleID, body.WaitingID), User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs,
			ExpiresAt: body.ExpiresAt, Warned: true, Offer: true,
		})
	case Accepted:
		sequence := WaitingSequence(body.ScheduleID, body.WaitingID)
		s.RestoreAllocation(sc, newHold(e, body.ScheduleSeatIDs, body.Now, body.ExpiresAt))
		delete(sc.allocations, sequence)
		sc.endWaiting(sequence)
	case Declined:
		sc.endWaiting(WaitingSequence(body.ScheduleID, body.WaitingID))
		s.releaseSeats(sc, body.ScheduleSeatIDs)
	case Left:
		sc.endWaiting(WaitingSequence(body.ScheduleID, body.WaitingID))
		s.releaseSeats(sc, body.ScheduleSeatIDs)
	case OfferExpired:
		sequence := WaitingSequence(body.ScheduleID, body.WaitingID)
		sc.endWaiting(sequence)
		s.releaseSeats(sc, body.ScheduleSeatIDs)
		sc.RestoreExpired(sequence, ExpiredAllocation{User: e.User, At: body.ExpiresAt, Offer: true})
	}
}

// newHold is the hold that the command of e made.
func newHold(e domain.Event, ids []int, now, expiresAt domain.Time) Allocation {
	return Allocation{
		Sequence: e.Sequence, User: e.User, ScheduleSeatIDs: ids, ExpiresAt: expiresAt, HeldAt: now, Warned: withinWarning(now, expiresAt),
	}
}

// withinWarning says that the end is too near to be warned of.
func withinWarning(now, expiresAt domain.Time) bool { return expiresAt.Sub(now) <= WarnBefore }

func (s *State) applyCancelled(sc *Schedule, body Cancelled) {
	s.releaseSeats(sc, body.ScheduleSeatIDs)
	sequence := ReservationSequence(body.ScheduleID, body.ReservationID)
	r := sc.reservations[sequence]
	if kept := difference(r.ScheduleSeatIDs, body.ScheduleSeatIDs); kept == nil {
		r.Cancelled = true
	} else {
		r.ScheduleSeatIDs, r.TotalPrice = kept, r.TotalPrice-sc.Layout.totalPrice(body.ScheduleSeatIDs)
	}
	sc.reservations[sequence] = r
}

// allocationsOf are the holdings that the seats are in.
func (sc *Schedule) allocationsOf(ids []int) map[uint64]bool {
	found := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.seats[id-1]; seat.state == stateHeld {
			found[seat.Ref] = true
		}
	}
	return found
}

// difference are those of ids that are not in others.
func difference(ids, others []int) []int {
	var found []int
	for _, id := range ids {
		if !slices.Contains(others, id) {
			found = append(found, id)
		}
	}
	return found
}
