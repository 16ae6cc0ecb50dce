// The table of the box office: which rule decides which command, and what each event makes so.
package seats

import "onsale/domain"

// Decide says what command c leads to when the log's time is now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	return []domain.Event{s.decide(c, now)}
}

func (s *State) decide(c domain.Command, now domain.Time) domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return s.create(c, body)
	case Hold:
		return s.hold(c, body, now)
	case Release:
		return s.release(c, body, now)
	case Reserve:
		return s.reserve(c, body, now)
	}
	panic("seats: no rule for this command")
}

func (s *State) create(c domain.Command, body Create) domain.Event {
	if body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	if s.schedules[c.Entity] != nil {
		return domain.Reject(c, domain.ScheduleExists, domain.Facts{})
	}
	return domain.Outcome(c, Created{
		ScheduleID: c.Entity, Title: body.Title, StartsAt: body.StartsAt, HoldSeconds: body.HoldSeconds,
		MaxSeatsPerUser: body.MaxSeatsPerUser, Sections: body.Sections,
	})
}

// Apply makes e so.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case Created:
		s.Put(body)
	case Held:
		s.PutHolding(s.schedules[body.ScheduleID], Holding{
			Sequence: e.Sequence, User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs, ExpiresAt: body.ExpiresAt,
		})
	case Released:
		sc := s.schedules[body.ScheduleID]
		from := sc.holdingsOf(body.ScheduleSeatIDs)
		for _, id := range body.ScheduleSeatIDs {
			sc.free(id)
		}
		sc.drop(from)
	case Reserved:
		sc := s.schedules[body.ScheduleID]
		from := sc.holdingsOf(body.ScheduleSeatIDs)
		s.PutReservation(sc, e.Sequence, Reservation{
			User: e.User, ScheduleSeatIDs: body.ScheduleSeatIDs, TotalPrice: body.TotalPrice,
		})
		sc.drop(from)
	case Expired:
		sc := s.schedules[body.ScheduleID]
		for _, id := range body.ScheduleSeatIDs {
			sc.free(id)
		}
		sequence := HoldSequence(body.HoldID)
		delete(sc.Holdings, sequence)
		sc.Ended[sequence] = Ended{User: e.User, At: body.ExpiresAt}
	}
}

// holdingsOf are the holdings that the seats are in.
func (sc *Schedule) holdingsOf(ids []int) map[uint64]bool {
	found := map[uint64]bool{}
	for _, id := range ids {
		if seat := sc.Seats[id-1]; seat.Status == StatusHeld {
			found[seat.Ref] = true
		}
	}
	return found
}
