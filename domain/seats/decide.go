// The table of the box office: which rule decides which command.

package seats

import "onsale/domain"

// Decide says what command c leads to when the log's time is now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	if body, ok := c.Body.(Reclaim); ok {
		return s.reclaim(c, body, now)
	}
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
	case Extend:
		return s.extend(c, body, now)
	case Swap:
		return s.swap(c, body, now)
	case Cancel:
		return s.cancel(c, body)
	case Block:
		return s.block(c, body, now)
	case Unblock:
		return s.unblock(c, body)
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

func (s *State) close(c domain.Command, body Close) domain.Event {
	sc, rejection := s.findSchedule(c, body.Check(), 0)
	if sc == nil {
		return rejection
	}
	if sc.Closed {
		return domain.Reject(c, domain.Closed, domain.Details{})
	}
	return domain.NewOutcome(c, Closed{ScheduleID: c.Entity, Reason: body.Reason})
}

// findSchedule is the schedule that command c is about, or the event that says why it cannot be asked for so many seats.
func (s *State) findSchedule(c domain.Command, bodyErr error, seats int) (*Schedule, domain.Event) {
	sc := s.schedules[c.Entity]
	switch {
	case bodyErr != nil:
		return nil, domain.Reject(c, domain.InvalidBody, domain.Details{})
	case sc == nil:
		return nil, domain.Reject(c, domain.ScheduleNotFound, domain.Details{})
	case seats > MaxSeatsPerCommand:
		return nil, domain.Reject(c, domain.TooManySeats, domain.Details{Limit: MaxSeatsPerCommand})
	}
	return sc, domain.Event{}
}
