// What admins do with seats: block and unblock them, and reclaim them from users.

package seats

import (
	"slices"

	"onsale/domain"
)

// block takes free seats off sale. It may take seats that are to be offered to the waiting list.
func (s *State) block(c domain.Command, body Block, now domain.Time) []domain.Event {
	sc, rejection := s.findScheduleSeats(c, body.ScheduleSeatIDs, MaxSeatsPerCommand)
	if rejection != nil {
		return rejection
	}
	a := s.availability(sc, now)
	a.offersPending = false
	if taken := a.unavailable(body.ScheduleSeatIDs); taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: taken})
	}
	return domain.NewOutcome(c, Blocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

func (s *State) unblock(c domain.Command, body Unblock) []domain.Event {
	sc, rejection := s.findScheduleSeats(c, body.ScheduleSeatIDs, MaxSeatsPerCommand)
	if rejection != nil {
		return rejection
	}
	if sc.Cancelled != nil {
		return domain.Reject(c, domain.Closed, sc.closedDetails())
	}
	others := filter(body.ScheduleSeatIDs, func(id int) bool { return sc.seats[id-1].state != stateBlocked })
	if others != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Details{ScheduleSeatIDs: others})
	}
	return domain.NewOutcome(c, Unblocked{ScheduleID: c.Entity, ScheduleSeatIDs: body.ScheduleSeatIDs, Reason: body.Reason})
}

// findScheduleSeats returns the schedule of an admin's command, which may name at most limit seats, or the command's rejection.
func (s *State) findScheduleSeats(c domain.Command, ids []int, limit int) (*Schedule, []domain.Event) {
	sc, rejection := s.findSchedule(c, 0)
	if sc == nil {
		return nil, rejection
	}
	if len(ids) > limit {
		return nil, domain.Reject(c, domain.TooManySeats, domain.Details{Limit: limit})
	}
	if missing := sc.Layout.missing(ids); missing != nil {
		return nil, domain.Reject(c, domain.SeatNotFound, domain.Details{ScheduleSeatIDs: missing})
	}
	return sc, nil
}

// reclaim emits an event for each user who loses seats, in the order of the seats, and then the outcome for the admin. It skips
// seats that are free or blocked, or whose hold or offer is due. An offer ends as a whole, with this time as its ExpiresAt; so does a
// hold or a reservation with an order, where the command allows that.
func (s *State) reclaim(c domain.Command, body Reclaim, now domain.Time) []domain.Event {
	limit := MaxReclaim
	if body.Refund {
		limit = MaxReclaimPaid
	}
	sc, rejection := s.findScheduleSeats(c, body.ScheduleSeatIDs, limit)
	if rejection != nil {
		return rejection
	}
	if paid := sc.paymentsOf(body.ScheduleSeatIDs); paid != nil && !body.Refund {
		return domain.Reject(c, domain.PaidSeats, domain.Details{PaymentIDs: paid})
	}
	var owners []Seat // what loses seats, in order; all seats that wait for their release are one
	lost := map[Seat][]int{}
	reclaimed := Reclaimed{ScheduleID: c.Entity, ScheduleSeatIDs: []int{}, Reason: body.Reason}
	for _, id := range body.ScheduleSeatIDs {
		seat := sc.seats[id-1]
		if seat.state == stateFree || seat.state == stateBlocked || seat.state == stateHeld && sc.allocations[seat.Ref].isOver(now) {
			continue
		}
		if seat.state == statePendingRelease {
			seat.Ref = 0
		}
		_, all := sc.orderOf(seat)
		switch {
		case lost[seat] == nil:
			owners = append(owners, seat)
		case all != nil: // with another of its seats
			continue
		}
		if all == nil {
			all = []int{id}
		}
		lost[seat] = append(lost[seat], all...)
		reclaimed.ScheduleSeatIDs = append(reclaimed.ScheduleSeatIDs, all...)
	}
	if reclaimed.ReleasedCount = len(reclaimed.ScheduleSeatIDs); reclaimed.ReleasedCount > MaxReclaimed {
		return domain.Reject(c, domain.TooManySeats, domain.Details{Limit: MaxReclaimed})
	}
	var events []domain.Event
	for _, seat := range owners {
		events = append(events, sc.reclaimEvent(seat, lost[seat], body.Reason, now))
	}
	return append(events, domain.NewOutcome(c, reclaimed)...)
}

// orderOf returns the payment of the order that a seat is in, and all seats of that order; "" and nil for none.
func (sc *Schedule) orderOf(seat Seat) (paymentID string, ids []int) {
	switch seat.state {
	case stateReserved:
		r := sc.reservations[seat.Ref]
		paymentID, ids = r.PaymentID, r.ScheduleSeatIDs
	case stateHeld:
		h := sc.allocations[seat.Ref]
		paymentID, ids = h.PaymentID, h.ScheduleSeatIDs
	}
	if paymentID == "" {
		return "", nil
	}
	return paymentID, slices.Clone(ids)
}

// paymentsOf returns the payments of the orders that the seats are in, in the order of the seats; nil if none.
func (sc *Schedule) paymentsOf(ids []int) (payments []string) {
	for _, id := range ids {
		if payment, _ := sc.orderOf(sc.seats[id-1]); payment != "" && !slices.Contains(payments, payment) {
			payments = append(payments, payment)
		}
	}
	return payments
}

// reclaimEvent returns the event for the user who loses the seats.
func (sc *Schedule) reclaimEvent(seat Seat, ids []int, reason string, now domain.Time) domain.Event {
	e := domain.Event{Entity: sc.ScheduleID}
	switch seat.state {
	case statePendingRelease:
		e.Body = ReleasedToSale{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids}
	case stateReserved:
		r := sc.reservations[seat.Ref]
		e.User = r.User
		e.Body = Cancelled{
			ScheduleID: sc.ScheduleID, ReservationID: ReservationID(sc.ScheduleID, seat.Ref), ScheduleSeatIDs: ids, Reason: reason,
			PaymentID: r.PaymentID,
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
			e.Body = Released{
				ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids, ReleasedCount: len(ids), Reason: reason, PaymentID: h.PaymentID,
			}
		}
	}
	return e
}
