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
		s.Put(body, e.Sequence)
	case Closed:
		sc.Closed = true
	case Held:
		s.PutHolding(sc, begun(e, body.ScheduleSeatIDs, body.Now, body.ExpiresAt))
	case Extended:
		h := sc.Holdings[HoldSequence(body.HoldID)]
		h.ExpiresAt, h.Extensions, h.Warned = body.ExpiresAt, h.Extensions+1, near(body.Now, body.ExpiresAt)
		s.endings.Add(ending{At: h.next(), Sequence: h.Sequence, What: sc})
	case Expiring:
		h := sc.Holdings[HoldSequence(body.HoldID)]
		h.Warned = true
		s.endings.Add(ending{At: h.next(), Sequence: h.Sequence, What: sc})
	case Swapped:
		h := sc.Holdings[HoldSequence(body.HoldID)]
		for _, id := range body.Taken {
			sc.move(id, Seat{isHeld, h.Sequence})
		}
		sc.take(h.User, len(body.Taken))
		h.ScheduleSeatIDs = append(h.ScheduleSeatIDs, body.Taken...)
		s.comeFree(sc, body.Released)
	case Released:
		s.comeFree(sc, body.ScheduleSeatIDs)
	case Reserved:
		from := sc.holdingsOf(body.ScheduleSeatIDs)
		s.PutReservation(sc, e.Sequence, Reservation{
			User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs, TotalPrice: body.TotalPrice,
		})
		sc.drop(from)
	case Cancelled:
		s.applyCancelled(sc, body)
	case Expired:
		sequence := HoldSequence(body.HoldID)
		if body.FreeAt != 0 {
			s.PutReturning(sc, body.FreeAt, body.ScheduleSeatIDs)
		} else {
			s.comeFree(sc, body.ScheduleSeatIDs)
		}
		delete(sc.Holdings, sequence)
		sc.Ended[sequence] = Ended{User: e.User, At: body.ExpiresAt}
	case Returned:
		s.comeFree(sc, body.ScheduleSeatIDs)
	case Blocked:
		s.PutBlocked(sc, body.ScheduleSeatIDs)
	case Unblocked:
		s.comeFree(sc, body.ScheduleSeatIDs)
	default:
		s.applyWaiting(sc, e)
	}
}

// applyWaiting makes so what happened to those who wait.
func (s *State) applyWaiting(sc *Schedule, e domain.Event) {
	switch body := e.Body.(type) {
	case Joined:
		p := Place{Section: body.Section}
		p.Sequence, p.User, p.Quantity = e.Sequence, e.User, body.Quantity
		s.PutWaiting(sc, p)
	case Offered:
		s.PutHolding(sc, Holding{
			Sequence: WaitingSequence(body.ScheduleID, body.WaitingID), User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs,
			ExpiresAt: body.ExpiresAt, Warned: true, Offer: true,
		})
	case Accepted:
		sequence := WaitingSequence(body.ScheduleID, body.WaitingID)
		s.PutHolding(sc, begun(e, body.ScheduleSeatIDs, body.Now, body.ExpiresAt))
		delete(sc.Holdings, sequence)
		sc.unplace(sequence)
	case Declined:
		sc.unplace(WaitingSequence(body.ScheduleID, body.WaitingID))
		s.comeFree(sc, body.ScheduleSeatIDs)
	case Left:
		sc.unplace(WaitingSequence(body.ScheduleID, body.WaitingID))
		s.comeFree(sc, body.ScheduleSeatIDs)
	case OfferExpired:
		sequence := WaitingSequence(body.ScheduleID, body.WaitingID)
		sc.unplace(sequence)
		s.comeFree(sc, body.ScheduleSeatIDs)
		sc.Ended[sequence] = Ended{User: e.User, At: body.ExpiresAt, Offer: true}
	}
}

// begun is the hold that the command of e made.
func begun(e domain.Event, ids []int, now, until domain.Time) Holding {
	return Holding{
		Sequence: e.Sequence, User: e.User, ScheduleSeatIDs: ids, ExpiresAt: until, HeldAt: now, Warned: near(now, until),
	}
}

// near says that the end is too near to be warned of.
func near(now, until domain.Time) bool { return until.Sub(now) <= WarnBefore }

func (s *State) applyCancelled(sc *Schedule, body Cancelled) {
	s.comeFree(sc, body.ScheduleSeatIDs)
	sequence := ReservationSequence(body.ScheduleID, body.ReservationID)
	r := sc.Reservations[sequence]
	if kept := outside(r.ScheduleSeatIDs, body.ScheduleSeatIDs); kept == nil {
		r.Cancelled = true
	} else {
		r.ScheduleSeatIDs, r.TotalPrice = kept, r.TotalPrice-sc.Layout.cost(body.ScheduleSeatIDs)
	}
	sc.Reservations[sequence] = r
}

// holdingsOf are the holdings that the seats are in.
func (sc *Schedule) holdingsOf(ids []int) map[uint64]bool {
	found := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.Seats[id-1]; seat.is == isHeld {
			found[seat.Ref] = true
		}
	}
	return found
}

// outside are those of ids that are not in others.
func outside(ids, others []int) []int {
	var found []int
	for _, id := range ids {
		if !slices.Contains(others, id) {
			found = append(found, id)
		}
	}
	return found
}
