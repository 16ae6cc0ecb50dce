// What time does by itself: exact, and in one order everywhere, by its time and then by the place in line of the hold's
// command. A warning comes before the end of a hold; seats that come back together have the place of their schedule.
package seats

import (
	"time"

	"onsale/domain"
	"onsale/domain/due"
)

// WarnBefore is how long before its end a hold is warned of it.
const WarnBefore = 60 * time.Second

// ending is when something is to be told of a holding, or, under its own sequence, of a schedule.
type ending = due.Deadline[*Schedule]

// next is when the holding is to be told of: for a warning, or at its end.
func (h *Holding) next() domain.Time {
	if h.Warned {
		return h.ExpiresAt
	}
	return h.ExpiresAt.Add(-WarnBefore)
}

// stands says that there is still something to be told then.
func stands(d ending) bool {
	if d.Sequence == d.What.Sequence {
		return d.What.Returning[d.At] > 0
	}
	h := d.What.Holdings[d.Sequence]
	return h != nil && h.next() == d.At
}

// NextDeadline is when the next thing is due, and its place in line; false when nothing is.
func (s *State) NextDeadline() (domain.Time, uint64, bool) {
	d, ok := s.endings.First()
	return d.At, d.Sequence, ok
}

// Due is what NextDeadline names.
func (s *State) Due() domain.Event {
	d, _ := s.endings.First()
	sc := d.What
	if d.Sequence == sc.Sequence {
		return domain.Event{Entity: sc.ScheduleID, Body: Returned{ScheduleID: sc.ScheduleID, ScheduleSeatIDs: sc.returning(d.At)}}
	}
	h := sc.Holdings[d.Sequence]
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
			FreeAt: sc.freeAt(h.ExpiresAt),
		}
	}
	return e
}

// returning are the seats that come back at this time, the lowest numbers first: no more than an event can name, the others
// come right behind.
func (sc *Schedule) returning(at domain.Time) []int {
	var ids []int
	for i, seat := range sc.Seats {
		if seat.is == isReturning && seat.FreeAt() == at {
			if ids = append(ids, i+1); len(ids) == MaxCommand {
				break
			}
		}
	}
	return ids
}

// freeAt is when the seats of a hold that ends then come back: at the next multiple of ReleaseEverySeconds since 1970; 0
// where that is at once.
func (sc *Schedule) freeAt(end domain.Time) domain.Time {
	every := domain.Time(sc.ReleaseEverySeconds) * 1000
	if every == 0 || end%every == 0 {
		return 0
	}
	return (end/every + 1) * every
}
