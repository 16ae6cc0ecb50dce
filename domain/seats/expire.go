// The end of holds: exact, and in one order everywhere: by expiresAt, then by the hold's place in line.
package seats

import (
	"onsale/domain"
	"onsale/domain/due"
)

// ending is the end of a holding.
type ending = due.Deadline[*Schedule]

// stands says that the holding still ends then.
func stands(d ending) bool {
	h := d.What.Holdings[d.Sequence]
	return h != nil && h.ExpiresAt == d.At
}

// NextDeadline is when the next hold ends, and its place in line; false when there is none.
func (s *State) NextDeadline() (domain.Time, uint64, bool) {
	d, ok := s.endings.First()
	return d.At, d.Sequence, ok
}

// Due is the end of the hold that NextDeadline names.
func (s *State) Due() domain.Event {
	d, _ := s.endings.First()
	h := d.What.Holdings[d.Sequence]
	return domain.Event{Entity: d.What.ScheduleID, User: h.User, Body: Expired{
		ScheduleID: d.What.ScheduleID, HoldID: HoldID(h.Sequence),
		ScheduleSeatIDs: append([]int{}, h.ScheduleSeatIDs...), ExpiresAt: h.ExpiresAt,
	}}
}

// dueSeats counts the user's seats in holds that are due at now: they no longer count against a limit.
func (s *State) dueSeats(sc *Schedule, user string, now domain.Time) int {
	seats := 0
	for d := range s.endings.Until(now) {
		if h := d.What.Holdings[d.Sequence]; d.What == sc && h.User == user {
			seats += len(h.ScheduleSeatIDs)
		}
	}
	return seats
}
