// What time changes in a schedule: a warning before the end of a hold, the end of a hold or an offer, and the release of seats
// at a fixed time.

package seats

import (
	"time"

	"onsale/domain"
	"onsale/domain/deadline"
)

// WarnBefore is how long before the end of a hold Expiring is emitted.
const WarnBefore = 60 * time.Second

// scheduleDeadline has the sequence of an allocation; or that of the schedule, for a release of seats.
type scheduleDeadline = deadline.Deadline[*Schedule]

// withinWarning says that an end is too near for a warning.
func withinWarning(now, expiresAt domain.Time) bool { return expiresAt.Sub(now) <= WarnBefore }

// nextDeadline returns when the warning is due, or after it the end.
func (h *Allocation) nextDeadline() domain.Time {
	if h.Warned {
		return h.ExpiresAt
	}
	return h.ExpiresAt.Add(-WarnBefore)
}

func isActive(d scheduleDeadline) bool {
	if d.Sequence == d.Value.Sequence {
		return d.Value.pendingRelease[d.At] > 0
	}
	if c := d.Value.Cancelled; c != nil && d.Sequence == c.Sequence {
		return d.Value.nextEnd() != nil
	}
	h := d.Value.allocations[d.Sequence]
	return h != nil && h.PaymentID == "" && h.nextDeadline() == d.At
}

// NextDeadline returns the time and sequence of the next deadline; false when there is none.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.deadlines.First()
	return d.At, d.Sequence, ok
}

// DueEvent returns the event of the next deadline.
func (s *State) DueEvent() domain.Event {
	d, _ := s.deadlines.First()
	sc := d.Value
	if d.Sequence == sc.Sequence {
		return domain.Event{Entity: sc.ScheduleID, Body: ReleasedToSale{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: sc.seatsPendingAt(d.At)}}
	}
	if sc.Cancelled != nil && d.Sequence == sc.Cancelled.Sequence {
		return *sc.nextEnd()
	}
	h := sc.allocations[d.Sequence]
	e := domain.Event{Entity: sc.ScheduleID, User: h.User}
	switch {
	case !h.Warned:
		e.Body = Expiring{ScheduleID: sc.ScheduleID, HoldID: HoldID(h.Sequence), ExpiresAt: h.ExpiresAt}
	case h.Offer:
		e.Body = sc.newOfferExpired(h)
	default:
		e.Body = sc.newExpired(h, sc.releaseAt(h.ExpiresAt))
	}
	return e
}

// seatsPendingAt returns the seats that are released at this time, lowest ids first, as many as one event can name. The next event
// has the rest.
func (sc *Schedule) seatsPendingAt(at domain.Time) []int {
	var ids []int
	for i, seat := range sc.seats {
		if seat.state == statePendingRelease && seat.ReleaseAt() == at {
			if ids = append(ids, i+1); len(ids) == MaxSeatsPerCommand {
				break
			}
		}
	}
	return ids
}

// releaseAt returns when the seats of a hold that ends at end are released: at the next multiple of ReleaseEverySeconds since
// 1970; 0 for at once.
func (sc *Schedule) releaseAt(end domain.Time) domain.Time {
	interval := domain.Time(sc.ReleaseEverySeconds) * 1000
	if interval == 0 || end%interval == 0 || sc.Cancelled != nil {
		return 0
	}
	return (end/interval + 1) * interval
}
