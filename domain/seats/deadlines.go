// What time does by itself: exact, and in one order everywhere, by its time and then by the place in line of the hold's
// command. A warning comes before the end of a hold; seats that come back together have the place of their schedule.

package seats

import (
	"time"

	"onsale/domain"
	"onsale/domain/deadline"
)

// WarnBefore is how long before its end a hold is warned of it.
const WarnBefore = 60 * time.Second

// scheduleDeadline is when something is to be told of a holding, or, under its own sequence, of a schedule.
type scheduleDeadline = deadline.Deadline[*Schedule]

// nextDeadline is when the holding is to be told of: for a warning, or at its end.
func (h *Allocation) nextDeadline() domain.Time {
	if h.Warned {
		return h.ExpiresAt
	}
	return h.ExpiresAt.Add(-WarnBefore)
}

// isActive says that there is still something to be told then.
func isActive(d scheduleDeadline) bool {
	if d.Sequence == d.Value.Sequence {
		return d.Value.pendingRelease[d.At] > 0
	}
	h := d.Value.allocations[d.Sequence]
	return h != nil && h.nextDeadline() == d.At
}

// NextDeadline is when the next thing is due, and its place in line; false when nothing is.
func (s *State) NextDeadline() (domain.Time, uint64, bool) {
	d, ok := s.deadlines.First()
	return d.At, d.Sequence, ok
}

// DueEvent is what NextDeadline names.
func (s *State) DueEvent() domain.Event {
	d, _ := s.deadlines.First()
	sc := d.Value
	if d.Sequence == sc.Sequence {
		return domain.Event{Entity: sc.ScheduleID, Body: ReleasedToSale{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: sc.seatsPendingAt(d.At)}}
	}
	h := sc.allocations[d.Sequence]
	e := domain.Event{Entity: sc.ScheduleID, User: h.User}
	ids := append([]int{}, h.ScheduleSeatIDs...)
	switch {
	case !h.Warned:
		e.Body = Expiring{ScheduleID: sc.ScheduleID, HoldID: HoldID(h.Sequence), ExpiresAt: h.ExpiresAt}
	case h.Offer:
		e.Body = OfferExpired{
			ScheduleID: sc.ScheduleID, WaitingID: WaitingID(sc.ScheduleID, h.Sequence), ScheduleSeatIDs: ids, ExpiresAt: h.ExpiresAt,
		}
	default:
		e.Body = Expired{
			ScheduleID: sc.ScheduleID, HoldID: HoldID(h.Sequence), ScheduleSeatIDs: ids, ExpiresAt: h.ExpiresAt,
			ReleaseAt: sc.releaseAt(h.ExpiresAt),
		}
	}
	return e
}

// seatsPendingAt are the seats that come back at this time, the lowest numbers first: no more than an event can name, the others
// come right behind.
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

// releaseAt is when the seats of a hold that ends then come back: at the next multiple of ReleaseEverySeconds since 1970; 0
// where that is at once.
func (sc *Schedule) releaseAt(end domain.Time) domain.Time {
	interval := domain.Time(sc.ReleaseEverySeconds) * 1000
	if interval == 0 || end%interval == 0 {
		return 0
	}
	return (end/interval + 1) * interval
}
