// A performance that is called off. Its holds and offers are over at once, as if their time had come. What else ends does so as due
// events, as many as fit into each command: orders without a result lose their seats, reservations are cancelled in the order of
// their commands, and then all seats are blocked.

package seats

import (
	"slices"

	"onsale/domain"
)

// Cancellation is the end of a performance that does not take place.
type Cancellation struct {
	At       domain.Time `json:"at"`
	Sequence uint64      `json:"sequence"` // of the command
	Reason   string      `json:"reason,omitempty"`
}

// remainingEnds is what a cancellation has not ended yet. It follows from the rest of the state.
type remainingEnds struct {
	holds        []uint64 // being paid for, lowest first
	reservations []uint64 // lowest first
	unblocked    int      // the lowest seat that may not be blocked
}

func (s *State) cancelSchedule(c domain.Command, body CancelSchedule) []domain.Event {
	sc, rejection := s.findSchedule(c, 0)
	if rejection != nil {
		return rejection
	}
	if sc.Cancelled != nil {
		return domain.Reject(c, domain.AlreadyCancelled, domain.Details{})
	}
	return domain.NewOutcome(c, ScheduleCancelled{ScheduleID: c.Entity, Reason: body.Reason})
}

func (s *State) setCancelled(sc *Schedule, c Cancellation) {
	sc.Closed, sc.Cancelled, sc.remaining = true, &c, nil
	for _, h := range sc.allocations {
		if h.ExpiresAt > c.At {
			h.ExpiresAt, h.Warned = c.At, true
			s.deadlines.Add(scheduleDeadline{At: c.At, Sequence: h.Sequence, Value: sc})
		}
	}
	s.deadlines.Add(scheduleDeadline{At: c.At, Sequence: c.Sequence, Value: sc})
}

// closedDetails are those of a rejection because the sale has ended.
func (sc *Schedule) closedDetails() domain.Details {
	return domain.Details{ScheduleCancelled: sc.Cancelled != nil}
}

// expiredDetails are those of a rejection because the hold was over at this time.
func (sc *Schedule) expiredDetails(at domain.Time) domain.Details {
	return domain.Details{ExpiredAt: at, ScheduleCancelled: sc.Cancelled != nil}
}

// causeOfEnd says whether a hold or an offer ends at this time because the performance was called off, and why it was.
func (sc *Schedule) causeOfEnd(at domain.Time) (cancelled bool, reason string) {
	if sc.Cancelled == nil || at < sc.Cancelled.At {
		return false, ""
	}
	return true, sc.Cancelled.Reason
}

// newExpired returns the end of a hold; its seats are released at releaseAt, 0 for at once.
func (sc *Schedule) newExpired(h *Allocation, releaseAt domain.Time) Expired {
	e := Expired{
		ScheduleID: sc.ScheduleID, HoldID: HoldID(h.Sequence), ScheduleSeatIDs: append([]int{}, h.ScheduleSeatIDs...), ExpiresAt: h.ExpiresAt,
		ReleaseAt: releaseAt,
	}
	e.ScheduleCancelled, e.Reason = sc.causeOfEnd(h.ExpiresAt)
	return e
}

// newOfferExpired returns the end of an offer that was not accepted in time.
func (sc *Schedule) newOfferExpired(h *Allocation) OfferExpired {
	e := OfferExpired{
		ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, h.Sequence), ScheduleSeatIDs: append([]int{}, h.ScheduleSeatIDs...),
		ExpiresAt: h.ExpiresAt,
	}
	e.ScheduleCancelled, e.Reason = sc.causeOfEnd(h.ExpiresAt)
	return e
}

// nextEnd returns the next event of the cancellation; nil when everything has ended. It changes only what it remembers of the rest.
func (sc *Schedule) nextEnd() *domain.Event {
	if sc.remaining == nil {
		sc.remaining = sc.findRemaining()
	}
	r := sc.remaining
	for ; len(r.holds) > 0; r.holds = r.holds[1:] {
		if h := sc.allocations[r.holds[0]]; h != nil && h.PaymentID != "" {
			ids := slices.Clone(h.ScheduleSeatIDs)
			return &domain.Event{Entity: sc.ScheduleID, User: h.User, Body: Released{
				ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids, ReleasedCount: len(ids), Reason: sc.Cancelled.Reason, PaymentID: h.PaymentID,
			}}
		}
	}
	for ; len(r.reservations) > 0; r.reservations = r.reservations[1:] {
		if reservation := sc.reservations[r.reservations[0]]; !reservation.Cancelled {
			return &domain.Event{Entity: sc.ScheduleID, User: reservation.User, Body: Cancelled{
				ScheduleID: sc.ScheduleID, ReservationID: ReservationID(sc.ScheduleID, r.reservations[0]),
				ScheduleSeatIDs: slices.Clone(reservation.ScheduleSeatIDs), ScheduleCancelled: true, Reason: sc.Cancelled.Reason,
				PaymentID: reservation.PaymentID,
			}}
		}
	}
	for r.unblocked <= len(sc.seats) && sc.seats[r.unblocked-1].state == stateBlocked {
		r.unblocked++
	}
	var ids []int
	for id := r.unblocked; id <= len(sc.seats) && len(ids) < MaxSeatsPerCommand; id++ {
		if state := sc.seats[id-1].state; state == stateFree || state == statePendingRelease {
			ids = append(ids, id)
		}
	}
	if ids == nil {
		return nil
	}
	return &domain.Event{Entity: sc.ScheduleID, Body: Blocked{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: ids, Reason: sc.Cancelled.Reason}}
}

func (sc *Schedule) findRemaining() *remainingEnds {
	r := &remainingEnds{unblocked: 1}
	for sequence, h := range sc.allocations {
		if h.PaymentID != "" {
			r.holds = append(r.holds, sequence)
		}
	}
	for sequence, reservation := range sc.reservations {
		if !reservation.Cancelled {
			r.reservations = append(r.reservations, sequence)
		}
	}
	slices.Sort(r.holds)
	slices.Sort(r.reservations)
	return r
}
