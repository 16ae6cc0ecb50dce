// Holding seats: all of those named, or none.
package seats

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/domain"
)

// HoldID is the id of the hold that the command at sequence made.
func HoldID(sequence uint64) string { return "h" + strconv.FormatUint(sequence, 10) }

// HoldSequence is the reverse of HoldID; 0 is no hold's.
func HoldSequence(id string) uint64 {
	digits, ok := strings.CutPrefix(id, "h")
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || HoldID(sequence) != id {
		return 0
	}
	return sequence
}

// Check says which field of h has a wrong shape, as a *domain.FieldError.
func (h Hold) Check() error { return checkSeats(h.ScheduleSeatIDs) }

func checkSeats(ids []int) error {
	if len(ids) == 0 {
		return &domain.FieldError{Field: "scheduleSeatIds", Problem: "names no seat"}
	}
	seen := make(map[int]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("scheduleSeatIds[%d]", i)
		if id < 1 {
			return &domain.FieldError{Field: at, Problem: "seats are numbered from 1"}
		}
		if seen[id] {
			return &domain.FieldError{Field: at, Problem: fmt.Sprintf("seat %d is named twice", id)}
		}
		seen[id] = true
	}
	return nil
}

func (s *State) hold(c domain.Command, body Hold, now domain.Time) domain.Event {
	sc, refusal := s.asked(c, body.Check(), body.ScheduleSeatIDs)
	if sc == nil {
		return refusal
	}
	ids := body.ScheduleSeatIDs
	if missing := sc.Layout.missing(ids); missing != nil {
		return domain.Reject(c, domain.SeatNotFound, domain.Facts{ScheduleSeatIDs: missing})
	}
	if over := sc.Taken[c.User] + len(ids) - sc.MaxSeatsPerUser; over > 0 && over > s.dueSeats(sc, c.User, now) {
		return domain.Reject(c, domain.SeatLimitExceeded, domain.Facts{Limit: sc.MaxSeatsPerUser})
	}
	var taken []int
	for _, id := range ids {
		if !sc.open(id, now) {
			taken = append(taken, id)
		}
	}
	if taken != nil {
		return domain.Reject(c, domain.SeatUnavailable, domain.Facts{ScheduleSeatIDs: taken})
	}
	held := Held{
		ScheduleID: c.Entity, HoldID: HoldID(c.Sequence), ScheduleSeatIDs: ids,
		ExpiresAt: now.Add(time.Duration(sc.HoldSeconds) * time.Second), Now: now,
	}
	for _, id := range ids {
		seat := sc.Layout.Describe(id)
		held.HeldSeats = append(held.HeldSeats, seat)
		held.TotalPrice += seat.Price
	}
	return domain.Outcome(c, held)
}

// asked is the schedule that command c is about, or the event that says why it cannot be asked for these seats.
func (s *State) asked(c domain.Command, shape error, ids []int) (*Schedule, domain.Event) {
	sc := s.schedules[c.Entity]
	switch {
	case shape != nil:
		return nil, domain.Reject(c, domain.InvalidBody, domain.Facts{})
	case sc == nil:
		return nil, domain.Reject(c, domain.ScheduleNotFound, domain.Facts{})
	case len(ids) > MaxCommand:
		return nil, domain.Reject(c, domain.TooManySeats, domain.Facts{Limit: MaxCommand})
	}
	return sc, domain.Event{}
}
