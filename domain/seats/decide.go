// Which rule decides which command, and how each event changes the state.

package seats

import (
	"slices"

	"onsale/domain"
)

// Decide returns the events that command c leads to at log time now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return s.create(c, body)
	case Hold:
		return s.hold(c, body, now)
	case Release:
		return s.release(c, body, now)
	case Reserve:
		return s.reserve(c, body, now)
	case Extend:
		return s.extend(c, body, now)
	case Swap:
		return s.swap(c, body, now)
	case Cancel:
		return s.cancel(c, body, now)
	case Block:
		return s.block(c, body, now)
	case Unblock:
		return s.unblock(c, body)
	case Reclaim:
		return s.reclaim(c, body, now)
	case CancelSchedule:
		return s.cancelSchedule(c, body)
	case Close:
		return s.close(c, body)
	case Join:
		return s.join(c, body, now)
	case Leave:
		return s.leave(c, body, now)
	case Accept:
		return s.accept(c, body, now)
	case Decline:
		return s.decline(c, body, now)
	}
	panic("seats: no rule for this command")
}

func (s *State) create(c domain.Command, body Create) []domain.Event {
	if s.schedules[c.Entity] != nil {
		return domain.Reject(c, domain.ScheduleExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{
		ScheduleID: c.Entity, Title: body.Title, StartsAt: body.StartsAt, HoldSeconds: body.HoldSeconds,
		MaxSeatsPerUser: body.MaxSeatsPerUser, Options: body.Options, Sections: body.Sections,
	})
}

func (s *State) close(c domain.Command, body Close) []domain.Event {
	sc, rejection := s.findSchedule(c, 0)
	if rejection != nil {
		return rejection
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, sc.closedDetails())
	}
	return domain.NewOutcome(c, Closed{ScheduleID: c.Entity, Reason: body.Reason})
}

// findSchedule returns the schedule of command c, which names so many seats, or the command's rejection.
func (s *State) findSchedule(c domain.Command, seats int) (*Schedule, []domain.Event) {
	sc := s.schedules[c.Entity]
	switch {
	case sc == nil:
		return nil, domain.Reject(c, domain.ScheduleNotFound, domain.Details{})
	case seats > MaxSeatsPerCommand:
		return nil, domain.Reject(c, domain.TooManySeats, domain.Details{Limit: MaxSeatsPerCommand})
	}
	return sc, nil
}

// Apply changes the state as e says.
func (s *State) Apply(e domain.Event) {
	sc := s.schedules[e.Entity]
	switch body := e.Body.(type) {
	case Created:
		s.Restore(body, e.Sequence, false, nil)
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
			s.setSeat(sc, id, Seat{stateHeld, h.Sequence})
		}
		s.addTaken(sc, h.User, len(body.Taken))
		h.ScheduleSeatIDs = append(h.ScheduleSeatIDs, body.Taken...)
		s.releaseSeats(sc, body.Released)
	case Released, ReleasedToSale, Unblocked:
		s.releaseSeats(sc, e.Seats())
	case Reserved:
		emptied := sc.allocationsOf(body.ScheduleSeatIDs)
		s.RestoreReservation(sc, e.Sequence, Reservation{
			User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs, TotalPrice: body.TotalPrice, PaymentID: body.PaymentID,
		})
		s.dropEmpty(sc, emptied)
	case Cancelled:
		s.applyCancelled(sc, body)
	case Expired:
		sequence := HoldSequence(body.HoldID)
		retaken := sc.allocations[sequence].isRetaken()
		if body.ReleaseAt != 0 {
			s.RestorePendingRelease(sc, body.ReleaseAt, body.ScheduleSeatIDs)
		} else {
			s.releaseSeats(sc, body.ScheduleSeatIDs)
		}
		s.dropAllocation(sc, sequence)
		expired := ExpiredAllocation{User: e.User, At: body.ExpiresAt}
		if sc.Payment == PaymentRequired {
			expired.ScheduleSeatIDs, expired.Retaken = body.ScheduleSeatIDs, retaken
		}
		sc.RestoreExpired(sequence, expired)
	case Blocked:
		s.RestoreBlocked(sc, body.ScheduleSeatIDs)
	case PaymentPrepared, Ordered, OrderFailed, ScheduleCancelled:
		s.applyPayment(sc, e)
	default:
		s.applyWaiting(sc, e)
	}
}

// applyWaiting applies the events of the waiting list.
func (s *State) applyWaiting(sc *Schedule, e domain.Event) {
	_, _, sequence := Refs(e)
	switch body := e.Body.(type) {
	case Joined:
		entry := WaitingEntry{Section: body.Section}
		entry.Sequence, entry.User, entry.Quantity = e.Sequence, e.User, body.Quantity
		s.RestoreWaiting(sc, entry)
	case Offered:
		s.RestoreAllocation(sc, Allocation{
			Sequence: sequence, User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs,
			ExpiresAt: body.ExpiresAt, Warned: true, Offer: true,
		})
	case Accepted:
		s.RestoreAllocation(sc, newHold(e, body.ScheduleSeatIDs, body.Now, body.ExpiresAt))
		delete(sc.allocations, sequence)
		sc.endWaiting(sequence)
	case Declined, Left:
		sc.endWaiting(sequence)
		s.releaseSeats(sc, e.Seats())
	case OfferExpired:
		sc.endWaiting(sequence)
		s.releaseSeats(sc, body.ScheduleSeatIDs)
		sc.RestoreExpired(sequence, ExpiredAllocation{User: e.User, At: body.ExpiresAt, Offer: true})
	}
}

// newHold returns the hold that the command of e made.
func newHold(e domain.Event, ids []int, now, expiresAt domain.Time) Allocation {
	return Allocation{
		Sequence: e.Sequence, User: e.User, ScheduleSeatIDs: ids, ExpiresAt: expiresAt, HeldAt: now, Warned: withinWarning(now, expiresAt),
	}
}

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

// difference returns those of ids that are not in others; nil if none.
func difference(ids, others []int) []int {
	return filter(ids, func(id int) bool { return !slices.Contains(others, id) })
}
