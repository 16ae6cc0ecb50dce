// Which seats are free, for one decision.

package seats

import "onsale/domain"

// availability is what can be held at now: free seats, and seats of holds that are due whose end was not emitted yet. The latter
// are not free where users wait, or where seats are released at fixed times. While offers are pending that did not fit into
// one command's events, nothing is free to users who did not wait.
type availability struct {
	sc            *Schedule
	now           domain.Time
	hasOverdue    bool         // some deadline is due
	releasing     map[int]bool // seats that this decision releases
	offersPending bool
}

func (s *State) availability(sc *Schedule, now domain.Time) availability {
	a := availability{sc: sc, now: now}
	if len(sc.queues) == 0 && sc.ReleaseEverySeconds == 0 {
		at, _, ok := s.NextDeadline()
		a.hasOverdue = ok && at <= now
	}
	if s.offerable[sc.ScheduleID] != nil {
		_, a.offersPending = sc.nextOffer(now)
	}
	return a
}

func (a *availability) isFree(id int) bool {
	switch seat := a.sc.seats[id-1]; {
	case a.offersPending:
		return false
	case seat.state == stateFree:
		return true
	case seat.state == stateHeld:
		return a.hasOverdue && a.sc.isOverdue(seat.Ref, a.now) || a.releasing[id]
	}
	return false
}

// unavailable returns those of ids that are not free; nil if none.
func (a *availability) unavailable(ids []int) []int {
	return filter(ids, func(id int) bool { return !a.isFree(id) })
}

// canUseRowCounts says that freeInRow has all free seats of a row.
func (a *availability) canUseRowCounts() bool {
	return !a.hasOverdue && !a.offersPending && a.releasing == nil
}

// countFree returns the free seats of a section, or of all for "".
func (a *availability) countFree(section string) (seats int) {
	for i, row := range a.sc.Layout.rows {
		switch {
		case section != "" && row.section != section:
		case a.canUseRowCounts():
			seats += a.sc.freeInRow[i]
		default:
			for id := row.first; id <= row.last; id++ {
				if a.isFree(id) {
					seats++
				}
			}
		}
	}
	return seats
}

// isOverdue says whether the allocation is a hold that is due.
func (sc *Schedule) isOverdue(sequence uint64, now domain.Time) bool {
	h := sc.allocations[sequence]
	return !h.Offer && h.isOver(now)
}
