// Waiting for seats that come back: joining, leaving, and saying yes or no to an offer.

package seats

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// join gives a user the last place of a list. Everybody has one place in a schedule, whatever its section.
func (s *State) join(c domain.Command, body Join, now domain.Time) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), 0)
	if sc == nil {
		return rejection
	}
	if !sc.Layout.hasSection(body.Section) {
		return domain.Reject(c, domain.SeatNotFound, domain.Details{Section: body.Section})
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, domain.Details{})
	}
	sequence, waiting := sc.waitingByUser[c.User]
	if offer := sc.allocations[sequence]; waiting && (offer == nil || offer.ExpiresAt > now) {
		return domain.Reject(c, domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, sequence)})
	}
	if body.Quantity > sc.MaxSeatsPerUser {
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

// leave needs no offer; seats that are on offer come free.
func (s *State) leave(c domain.Command, body Leave, now domain.Time) domain.Event {
	_, h, rejection := s.findWaiting(c, body.Check(), body.WaitingID, now)
	if rejection != nil {
		return *rejection
	}
	left := Left{ScheduleID: c.Entity, WaitingID: body.WaitingID}
	if h != nil {
		left.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	}
	return domain.NewOutcome(c, left)
}

// decline needs an offer.
func (s *State) decline(c domain.Command, body Decline, now domain.Time) domain.Event {
	_, h, rejection := s.findWaiting(c, body.Check(), body.WaitingID, now)
	switch {
	case rejection != nil:
		return *rejection
	case h == nil:
		return domain.Reject(c, domain.NoOffer, domain.Details{})
	}
	return domain.NewOutcome(c, Declined{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs),
	})
}

// accept makes a hold of an offer. Only now does the user's limit count.
func (s *State) accept(c domain.Command, body Accept, now domain.Time) domain.Event {
	sc, h, rejection := s.findWaiting(c, body.Check(), body.WaitingID, now)
	switch {
	case rejection != nil:
		return *rejection
	case h == nil:
		return domain.Reject(c, domain.NoOffer, domain.Details{})
	case s.exceedsLimit(sc, c.User, len(h.ScheduleSeatIDs), now):
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Details{Limit: sc.MaxSeatsPerUser})
	}
	held := sc.newHeld(c, slices.Clone(h.ScheduleSeatIDs), now)
	return domain.NewOutcome(c, Accepted{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, HoldID: held.HoldID, ScheduleSeatIDs: held.ScheduleSeatIDs,
		HeldSeats: held.HeldSeats, TotalPrice: held.TotalPrice, ExpiresAt: held.ExpiresAt, Now: now,
	})
}

// findWaiting is the offer to the command's own place, nil where there is none, or the event that says why it is not theirs or
// is over.
func (s *State) findWaiting(c domain.Command, bodyErr error, id string, now domain.Time) (
	sc *Schedule, offer *Allocation, rejection *domain.Event,
) {
	reject := func(code string, details domain.Details) (*Schedule, *Allocation, *domain.Event) {
		e := domain.Reject(c, code, details)
		return nil, nil, &e
	}
	if bodyErr != nil {
		return reject(domain.InvalidBody, domain.Details{})
	}
	if sc = s.schedules[c.Entity]; sc == nil {
		return reject(domain.WaitingNotFound, domain.Details{})
	}
	sequence := WaitingSequence(c.Entity, id)
	entry, waiting := sc.waiting[sequence]
	past, expired := sc.expired[sequence]
	offer = sc.allocations[sequence]
	switch {
	case !waiting && !(expired && past.Offer):
		return reject(domain.WaitingNotFound, domain.Details{})
	case waiting && entry.User != c.User || expired && past.User != c.User:
		return reject(domain.NotOwner, domain.Details{})
	case expired:
		return reject(domain.OfferExpired, domain.Details{ExpiredAt: past.At})
	case offer != nil && offer.ExpiresAt <= now:
		return reject(domain.OfferExpired, domain.Details{ExpiredAt: offer.ExpiresAt})
	}
	return sc, offer, nil
}

// What comes back is offered to those who wait, the first in line first: of all lists the one who joined first and whose
// wish fits somewhere.

// markOfferable notes that an offer may have become possible: somebody joined, or a seat came free.
func (s *State) markOfferable(sc *Schedule) {
	if len(sc.queues) > 0 {
		s.offerable[sc.ScheduleID] = sc
	}
}

// NextOffer is the next offer to somebody who waits; false when there is none to be made at now. A schedule in which there was
// none is not looked at again before something stirs in it, which changes nothing that shows.
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

// nextOffer looks at seats that are free, and never at holds that are due: those come free when their end is told.
func (sc *Schedule) nextOffer(now domain.Time) (domain.Event, bool) {
	if sc.Closed {
		return domain.Event{}, false
	}
	o := availability{sc: sc, now: now}
	var next waitlist.Entry
	for section, queue := range sc.queues {
		first, ok := queue.FirstFit(func(quantity int) bool {
			_, fits := o.bestRun(section, quantity)
			return fits
		})
		if ok && (next.Sequence == 0 || first.Sequence < next.Sequence) {
			next = first
		}
	}
	if next.Sequence == 0 {
		return domain.Event{}, false
	}
	found, _ := o.bestRun(sc.waiting[next.Sequence].Section, next.Quantity)
	return domain.Event{Entity: sc.ScheduleID, User: next.User, Body: Offered{
		ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, next.Sequence), ScheduleSeatIDs: found.ids,
		HeldSeats: sc.Layout.describeAll(found.ids), TotalPrice: sc.Layout.totalPrice(found.ids), ExpiresAt: sc.holdEnd(now),
	}}, true
}
