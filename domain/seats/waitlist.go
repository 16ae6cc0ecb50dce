// The waiting lists of a schedule: joining, leaving, and offers. Seats that come back are offered to the entry that joined first
// among those whose seats, side by side, are free. A section has a list of its own; the entries for any section have another.

package seats

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// join allows a user one entry in a schedule, whatever the section.
func (s *State) join(c domain.Command, body Join, now domain.Time) []domain.Event {
	sc, rejection := s.findSchedule(c, 0)
	if rejection != nil {
		return rejection
	}
	sequence, waiting := sc.waitingByUser[c.User]
	offer := sc.allocations[sequence]
	switch {
	case !sc.Layout.hasSection(body.Section):
		return domain.Reject(c, domain.SeatNotFound, domain.Details{Section: body.Section})
	case sc.Closed:
		return domain.Reject(c, domain.Closed, sc.closedDetails())
	case waiting && (offer == nil || offer.ExpiresAt > now):
		return domain.Reject(c, domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, sequence)})
	case body.Quantity > sc.MaxSeatsPerUser:
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	position := 1
	if queue := sc.queues[body.Section]; queue != nil {
		position += queue.Len()
	}
	return domain.NewOutcome(c, Joined{
		ScheduleID: c.Entity, WaitingID: WaitingID(c.Entity, c.Sequence), Quantity: body.Quantity, Section: body.Section,
		Position: position,
	})
}

// leave releases the seats that are on offer.
func (s *State) leave(c domain.Command, body Leave, now domain.Time) []domain.Event {
	_, h, rejection := s.findWaiting(c, body.WaitingID, now, waitlist.CheckLeave)
	if rejection != nil {
		return rejection
	}
	left := Left{ScheduleID: c.Entity, WaitingID: body.WaitingID}
	if h != nil {
		left.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	}
	return domain.NewOutcome(c, left)
}

func (s *State) decline(c domain.Command, body Decline, now domain.Time) []domain.Event {
	_, h, rejection := s.findWaiting(c, body.WaitingID, now, waitlist.CheckAnswer)
	if rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, Declined{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs),
	})
}

// accept turns an offer into a hold. The user's limit is checked here and before the offer, not when joining.
func (s *State) accept(c domain.Command, body Accept, now domain.Time) []domain.Event {
	sc, h, rejection := s.findWaiting(c, body.WaitingID, now, waitlist.CheckAnswer)
	if rejection != nil {
		return rejection
	}
	if s.exceedsLimit(sc, c.User, len(h.ScheduleSeatIDs), now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	held := sc.newHeld(c, slices.Clone(h.ScheduleSeatIDs), now)
	return domain.NewOutcome(c, Accepted{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, HoldID: held.HoldID, ScheduleSeatIDs: held.ScheduleSeatIDs,
		HeldSeats: held.HeldSeats, TotalPrice: held.TotalPrice, ExpiresAt: held.ExpiresAt, Now: now,
	})
}

// findWaiting returns the schedule and the offer, if any, of the entry with this id; or the command's rejection, where check
// rejects the entry.
func (s *State) findWaiting(c domain.Command, id string, now domain.Time, check waitlist.Check) (
	*Schedule, *Allocation, []domain.Event,
) {
	sc := s.schedules[c.Entity]
	if sc == nil {
		return nil, nil, domain.Reject(c, domain.WaitingNotFound, domain.Details{})
	}
	sequence := WaitingSequence(c.Entity, id)
	o, h := waitlist.Offer{Entry: sc.waiting[sequence].Entry}, sc.allocations[sequence]
	if past := sc.expired[sequence]; past.Offer {
		o = waitlist.Offer{Entry: waitlist.Entry{Sequence: sequence, User: past.User}, ExpiresAt: past.At}
	} else if h != nil {
		o.ExpiresAt = h.ExpiresAt
	}
	if code, details := check(o, c.User, now); code != "" {
		return nil, nil, domain.Reject(c, code, details)
	}
	return sc, h, nil
}

// markOfferable notes that an offer may have become possible: a user joined or can have more seats, or a seat was released.
func (s *State) markOfferable(sc *Schedule) {
	if len(sc.queues) > 0 {
		s.offerable[sc.ScheduleID] = sc
	}
}

// NextOffer returns the next offer to be made at now; false when there is none. It drops schedules without one from offerable
// until markOfferable adds them again: a cache, which changes no decision.
func (s *State) NextOffer(now domain.Time) (domain.Event, bool) {
	for len(s.offerable) > 0 {
		id := slices.Min(slices.Collect(maps.Keys(s.offerable)))
		if e, ok := s.offerable[id].nextOffer(now); ok {
			return e, true
		}
		delete(s.offerable, id)
	}
	return domain.Event{}, false
}

// nextOffer looks at free seats only: the seats of a hold that is due become free when its end is emitted.
func (sc *Schedule) nextOffer(now domain.Time) (domain.Event, bool) {
	if sc.Closed {
		return domain.Event{}, false
	}
	a := availability{sc: sc, now: now}
	var next waitlist.Entry
	for section, queue := range sc.queues {
		first, ok := queue.FirstFit(func(quantity int) bool {
			_, fits := a.bestRun(section, quantity)
			return fits
		})
		if ok && (next.Sequence == 0 || first.Sequence < next.Sequence) {
			next = first
		}
	}
	if next.Sequence == 0 {
		return domain.Event{}, false
	}
	found, _ := a.bestRun(sc.waiting[next.Sequence].Section, next.Quantity)
	return domain.Event{Entity: sc.ScheduleID, User: next.User, Body: Offered{
		ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, next.Sequence), ScheduleSeatIDs: found.ids,
		HeldSeats: sc.Layout.describeAll(found.ids), TotalPrice: sc.Layout.totalPrice(found.ids), ExpiresAt: sc.holdEnd(now),
	}}, true
}

// dequeue removes an entry from the queue of its section.
func (sc *Schedule) dequeue(sequence uint64) {
	section := sc.waiting[sequence].Section
	if queue := sc.queues[section]; queue != nil {
		if queue.Remove(sequence); queue.Len() == 0 {
			delete(sc.queues, section)
		}
	}
}

// endWaiting removes an entry.
func (sc *Schedule) endWaiting(sequence uint64) {
	sc.dequeue(sequence)
	user := sc.waiting[sequence].User
	delete(sc.waiting, sequence)
	if sc.waitingByUser[user] == sequence { // a user whose offer is due may have joined again
		delete(sc.waitingByUser, user)
	}
}

// RestoreWaiting adds an entry, and queues it unless it has an offer.
func (s *State) RestoreWaiting(sc *Schedule, e WaitingEntry) {
	sc.waiting[e.Sequence], sc.waitingByUser[e.User] = e, e.Sequence
	if sc.allocations[e.Sequence] != nil {
		return
	}
	if sc.queues[e.Section] == nil {
		sc.queues[e.Section] = &waitlist.List{}
	}
	sc.queues[e.Section].Add(e.Entry)
	s.updatePassedOver(sc, e.User)
	s.markOfferable(sc)
}

// updatePassedOver passes over the user's entry while it is for more seats than the user may still have. As for offers, seats of a
// hold that is due count until its end is emitted.
func (s *State) updatePassedOver(sc *Schedule, user string) {
	sequence, waiting := sc.waitingByUser[user]
	e := sc.waiting[sequence]
	queue := sc.queues[e.Section]
	if !waiting || queue == nil {
		return
	}
	pass := sc.taken[user]+e.Quantity > sc.MaxSeatsPerUser
	if queue.PassedOver(sequence) && !pass {
		s.markOfferable(sc)
	}
	queue.PassOver(sequence, pass)
}
