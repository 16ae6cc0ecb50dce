// Waiting for seats that come back: joining, leaving, and saying yes or no to an offer.
package seats

import (
	"slices"

	"onsale/domain"
)

// join gives a user the last place of a list. Everybody has one place in a schedule, whatever its section.
func (s *State) join(c domain.Command, body Join, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), 0)
	if sc == nil {
		return refusal
	}
	if !sc.Layout.hasSection(body.Section) {
		return domain.Reject(c, domain.SeatNotFound, domain.Facts{Section: body.Section})
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, domain.Facts{})
	}
	sequence, waits := sc.waiters[c.User]
	if offer := sc.Holdings[sequence]; waits && (offer == nil || offer.ExpiresAt > now) {
		return domain.Reject(c, domain.AlreadyWaiting, domain.Facts{WaitingID: WaitingID(c.Entity, sequence)})
	}
	if body.Quantity > sc.MaxSeatsPerUser {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Facts{Limit: sc.MaxSeatsPerUser})
	}
	position := 1
	if line := sc.lines[body.Section]; line != nil {
		position += line.Len()
	}
	return domain.Outcome(c, Joined{
		ScheduleID: c.Entity, WaitingID: WaitingID(c.Entity, c.Sequence), Quantity: body.Quantity, Section: body.Section,
		Position: position,
	})
}

// leave needs no offer; seats that are on offer come free.
func (s *State) leave(c domain.Command, body Leave, now domain.Time) domain.Event {
	_, h, refusal := s.waits(c, body.Check(), body.WaitingID, now)
	if refusal != nil {
		return *refusal
	}
	left := Left{ScheduleID: c.Entity, WaitingID: body.WaitingID}
	if h != nil {
		left.ScheduleSeatIDs = slices.Clone(h.ScheduleSeatIDs)
	}
	return domain.Outcome(c, left)
}

// decline needs an offer.
func (s *State) decline(c domain.Command, body Decline, now domain.Time) domain.Event {
	_, h, refusal := s.waits(c, body.Check(), body.WaitingID, now)
	switch {
	case refusal != nil:
		return *refusal
	case h == nil:
		return domain.Reject(c, domain.NoOffer, domain.Facts{})
	}
	return domain.Outcome(c, Declined{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, ScheduleSeatIDs: slices.Clone(h.ScheduleSeatIDs),
	})
}

// accept makes a hold of an offer. Only now does the user's limit count.
func (s *State) accept(c domain.Command, body Accept, now domain.Time) domain.Event {
	sc, h, refusal := s.waits(c, body.Check(), body.WaitingID, now)
	switch {
	case refusal != nil:
		return *refusal
	case h == nil:
		return domain.Reject(c, domain.NoOffer, domain.Facts{})
	case s.exceeds(sc, c.User, len(h.ScheduleSeatIDs), now):
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Facts{Limit: sc.MaxSeatsPerUser})
	}
	held := sc.held(c, slices.Clone(h.ScheduleSeatIDs), now)
	return domain.Outcome(c, Accepted{
		ScheduleID: c.Entity, WaitingID: body.WaitingID, HoldID: held.HoldID, ScheduleSeatIDs: held.ScheduleSeatIDs,
		HeldSeats: held.HeldSeats, TotalPrice: held.TotalPrice, ExpiresAt: held.ExpiresAt, Now: now,
	})
}

// waits is the offer to the command's own place, nil where there is none, or the event that says why it is not theirs or
// is over.
func (s *State) waits(c domain.Command, shape error, id string, now domain.Time) (
	sc *Schedule, offer *Holding, refusal *domain.Event,
) {
	refuse := func(code string, facts domain.Facts) (*Schedule, *Holding, *domain.Event) {
		e := domain.Reject(c, code, facts)
		return nil, nil, &e
	}
	if shape != nil {
		return refuse(domain.InvalidBody, domain.Facts{})
	}
	if sc = s.schedules[c.Entity]; sc == nil {
		return refuse(domain.WaitingNotFound, domain.Facts{})
	}
	sequence := WaitingSequence(c.Entity, id)
	place, stands := sc.Waiting[sequence]
	ended, over := sc.Ended[sequence]
	offer = sc.Holdings[sequence]
	switch {
	case !stands && !(over && ended.Offer):
		return refuse(domain.WaitingNotFound, domain.Facts{})
	case stands && place.User != c.User || over && ended.User != c.User:
		return refuse(domain.NotOwner, domain.Facts{})
	case over:
		return refuse(domain.OfferExpired, domain.Facts{ExpiredAt: ended.At})
	case offer != nil && offer.ExpiresAt <= now:
		return refuse(domain.OfferExpired, domain.Facts{ExpiredAt: offer.ExpiresAt})
	}
	return sc, offer, nil
}
